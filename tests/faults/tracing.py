"""Observes a run from outside: when ticks were written, and which processes read them when."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain.times import from_text, to_text
from rigs.memory_aws.system import Aws
from tests.faults.outbox import is_mark

Item = Mapping[str, Mapping[str, Any]]


def stamps(item: Item) -> list[str]:
    """The timestamps of the ticks in a prices item, as the data model documents it."""
    last = item["timestamp"]["S"]
    earlier = json.loads(item["earlier"]["S"]) if "earlier" in item else []
    before = [to_text(from_text(last) - timedelta(microseconds=row[0])) for row in earlier]
    return [*before, last]


class Reading:
    """One look for new ticks: when it began, and the timestamps that it found."""

    def __init__(self, began: int) -> None:
        self.began = began
        self.found: set[str] = set()


class Trace:
    """Follows the calls of a run, in their order.

    `folded` are by symbol the timestamps that some fold had read when it went past them;
    `missed` those that were there when it began to read and that it did not find: none, ever.
    """

    def __init__(self, aws: Aws) -> None:
        self.folded: dict[str, set[str]] = defaultdict(set)
        self.missed: dict[str, set[str]] = defaultdict(set)
        self._step = 0
        self._written: dict[tuple[str, str], int] = {}
        self._readings: dict[tuple[str, str], Reading] = {}
        self._last: dict[str, str] = {}
        self._unmarked: dict[str, Counter[str]] = defaultdict(Counter)
        self._aws = aws

    def put(self, table: str, item: Item) -> None:
        """An item has been written."""
        self._step += 1
        if table == "prices":
            for stamp in stamps(item):
                self._written.setdefault((item["symbol"]["S"], stamp), self._step)

    def performed(
        self, who: str, operation: str, request: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        """A call has been done."""
        self._step += 1
        table = request.get("TableName")
        if operation == "Query" and table == "prices":
            self._read(who, request, answer)
        elif operation == "PutItem" and table == "state":
            self._folded(who, request["Item"])
        elif operation == "Publish":
            alert = request["MessageAttributes"]["alert_id"]["StringValue"]
            self._unmarked[who][alert] += 1
        elif is_mark(operation, request):
            key = request["Key"]
            item = self._aws.tables["alerts"].items[key["symbol"]["S"], key["timestamp_rule"]["S"]]
            self._unmarked[who].pop(item["alert_id"]["S"], None)

    def may_repeat(self, alert_id: str) -> int:
        """Return how many processes published the alert without marking it."""
        return sum(counter[alert_id] for counter in self._unmarked.values())

    def _read(self, who: str, request: dict[str, Any], answer: dict[str, Any]) -> None:
        values = request["ExpressionAttributeValues"]
        start = values.get(":a", {}).get("S", "")
        if not request["ScanIndexForward"] or start.endswith(":00.000000Z"):
            return  # a correction looks at whole minutes, or for the tick before one
        symbol = values[":h"]["S"]
        if "ExclusiveStartKey" not in request:
            self._readings[who, symbol] = Reading(self._step)
        for item in answer["Items"]:
            self._readings[who, symbol].found.update(stamps(item))

    def _folded(self, who: str, item: Item) -> None:
        symbol, last = item["symbol"]["S"], item["timestamp"]["S"]
        before = self._last.get(symbol, "")
        if last in (before, "-"):
            return
        reading = self._readings[who, symbol]
        for (written, stamp), step in self._written.items():
            if written == symbol and before < stamp <= last:
                if stamp in reading.found:
                    self.folded[symbol].add(stamp)
                elif step <= reading.began:
                    self.missed[symbol].add(stamp)
        self._last[symbol] = last
