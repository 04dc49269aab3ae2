"""What a container needs to go on where another one left off, as an item of the symbols table."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from producer.collector.items import Items

KEY = "memory"


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """`latest` holds the timestamps of the last ticks that the sink has acknowledged, by symbol;
    the rest is what the source knows, with an instant in place of seconds: "" when it may be
    asked."""

    source: str = ""
    latest: Mapping[str, str] = {}
    with_history: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    is_silent: bool = False
    refusals: int = 0
    throttled_until: str = ""


class MemoryStore:
    """Reads and writes the memory. Methods raise what boto3 raises."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def read(self) -> Memory:
        """The memory; an empty one where there is none, or one that cannot be read: then history is
        fetched again, and the last quotes are sent again."""
        item = self._items.read(KEY)
        try:
            return msgspec.json.decode(item["memory"]["S"], type=Memory) if item else Memory()
        except (KeyError, msgspec.DecodeError):
            return Memory()

    def write(self, memory: Memory, run: int) -> bool:
        """Replace the memory, unless a later run than `run` has written its own."""
        fields = {
            "run": {"N": str(run)},
            "memory": {"S": msgspec.json.encode(memory).decode()},
        }
        condition = "attribute_not_exists(#run) OR #run <= :run"
        values = {":run": {"N": str(run)}}
        return self._items.write(KEY, fields, condition, {"#run": "run"}, values)
