"""Stores the runs' memory as an item of the symbols table."""

from __future__ import annotations

from datetime import datetime

import msgspec

from producer.collector.items import Items
from producer.collector.lease import MOST_AHEAD
from producer.collector.remembering import Memory, Reading, reading_of

KEY = "memory"


class MemoryStore:
    """Reads and writes the runs' memory. Methods raise boto3's errors."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def read(self, now: datetime) -> Reading:
        """Read the runs' memory; it is empty if the item is missing. After an empty memory, history
        is fetched again and the last quotes are sent again."""
        item = self._items.read(KEY)
        return Reading() if item is None else reading_of(item, self.at(now))

    def at(self, now: datetime) -> datetime:
        """Return DynamoDB's time when the container's clock shows `now`."""
        return now + self._items.ahead

    def write(self, memory: Memory, run: int) -> bool:
        """Replace the memory, unless a run with a number above `run` has written it. Return whether
        it was replaced. An invalid or impossible run number in the table does not count."""
        fields = {
            "run": {"N": str(run)},
            "memory": {"S": msgspec.json.encode(memory).decode()},
        }
        condition = "NOT (#run > :run) OR #run > :most"
        most = run + int(MOST_AHEAD.total_seconds())
        values = {":run": {"N": str(run)}, ":most": {"N": str(most)}}
        return self._items.write(KEY, fields, condition, {"#run": "run"}, values)
