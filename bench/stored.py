"""Tables of any length whose rows are generated when they are queried.

A query costs what its answer costs, however many rows there are, as on DynamoDB. So a benchmark can
query a thousand rows and a million alike. Every symbol has the same rows, one per second (ticks) or
minute (bars). This module does not import the app: both sides' rows come from here.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Item = dict[str, dict[str, Any]]
Request = dict[str, Any]

NEWEST = datetime(2026, 11, 20, 20, 0, 30, tzinfo=UTC)
"""Time of the last row, whatever their number: 15:00 of a trading Friday in New York."""

DAY = "2026-11-20"
PAGE_ITEMS = 2_000
"""Items of about 400 bytes each: a little below the megabyte at which DynamoDB ends a page."""

_HASH = re.compile(r"(?<!\w)= (:\w+)")
_BETWEEN = re.compile(r"BETWEEN (:\w+) AND (:\w+)")
_FROM = re.compile(r">= (:\w+)")
_BEFORE = re.compile(r"< (:\w+)")


def stamp(instant: datetime) -> str:
    """Format an instant as the tables store it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_WAVE = 36
"""Rows per wave: averages of 5 and 20 cross about 55 times in a thousand ticks, as often as in the
old designs' example."""


def price(age: int) -> str:
    """Return the price of the row that has `age` rows after it. Prices form a wave."""
    step = age % _WAVE
    return f"{189 + min(step, _WAVE - step) / 100:.2f}"


def tick_item(symbol: str, age: int, when: str) -> Item:
    """Return a row of the prices table with all attributes, as ingest writes it."""
    return {
        "symbol": {"S": symbol},
        "timestamp": {"S": when},
        "open": {"N": "189"},
        "high": {"N": "189.96"},
        "low": {"N": "188.2"},
        "price": {"N": price(age)},
        "previous_close": {"N": "189.5"},
        "change": {"N": "-0.1"},
        "change_percent": {"N": "-0.0528"},
        "volume": {"N": str(10_000_000 - age)},
        "moving_average": {"N": "189.2"},
        "anomaly": {"S": "No"},
        "currency": {"S": "USD"},
        "exchange_timezone": {"S": "America/New_York"},
        "market_state": {"S": "REGULAR"},
        "source": {"S": "yfinance"},
        "mode": {"S": "replay"},
        "ingested_at": {"S": when},
        "expires_at": {"N": "1797000000"},
    }


def bar_item(series: str, age: int, when: str) -> Item:
    """Return a row of the bars table, as detect writes it."""
    return {
        "series": {"S": series},
        "start": {"S": when},
        "open": {"N": "189"},
        "high": {"N": "189.96"},
        "low": {"N": "188.2"},
        "close": {"N": price(age)},
        "volume": {"N": str(10_000 + age)},
        "ticks": {"N": "60"},
        "session_date": {"S": DAY},
        "source": {"S": "yfinance"},
        "closed": {"BOOL": True},
        "revision": {"N": "0"},
        "expires_at": {"N": "1804000000"},
    }


class Rows:
    """A table with `count` rows per key. Rows are `step` apart, and the last row is at `newest`."""

    def __init__(
        self, key: str, make: Callable[..., Item], step: timedelta, count: int, newest: datetime
    ) -> None:
        self._key = key
        self._newest = newest
        self._make = make
        self._step = step
        self._count = count

    def when(self, number: int) -> str:
        """Return the range key of the row with this number. The first row has number 0."""
        return stamp(self._newest - (self._count - 1 - number) * self._step)

    def query(self, request: Request) -> dict[str, Any]:
        """Answer a Query that has an equality and at most one condition on the range key. Raises
        ValueError without an equality."""
        values = {name: v["S"] for name, v in request["ExpressionAttributeValues"].items()}
        condition = request["KeyConditionExpression"]
        hash_match = _HASH.search(condition)
        if hash_match is None:
            raise ValueError(f"no equality in {condition!r}")
        numbers = self._selected(condition, values, request)
        page = numbers[: min(request.get("Limit", PAGE_ITEMS), PAGE_ITEMS)]
        name = values[hash_match[1]]
        answer: dict[str, Any] = {
            "Items": [self._shown(self._row(name, n), request) for n in page],
            "Count": len(page),
            "ScannedCount": len(page),
        }
        if len(page) < len(numbers):
            hash_name = next(iter(self._make(name, 0, "")))
            last = {hash_name: {"S": name}, self._key: {"S": self.when(page[-1])}}
            answer["LastEvaluatedKey"] = last
        return answer

    def _row(self, name: str, number: int) -> Item:
        return self._make(name, self._count - 1 - number, self.when(number))

    def _selected(self, condition: str, values: dict[str, str], request: Request) -> range:
        low, high = 0, self._count
        if found := _BETWEEN.search(condition):
            low, high = self._at(values[found[1]]), self._past(values[found[2]])
        if found := _FROM.search(condition):
            low = self._at(values[found[1]])
        if found := _BEFORE.search(condition):
            high = self._at(values[found[1]])
        after = request.get("ExclusiveStartKey", {}).get(self._key, {}).get("S")
        forward = request.get("ScanIndexForward", True)
        if after and forward:
            low = max(low, self._past(after))
        elif after:
            high = min(high, self._at(after))
        numbers = range(low, max(low, high))
        return numbers if forward else numbers[::-1]

    def _at(self, text: str) -> int:
        """Return the number of the first row at `text` or after it."""
        return bisect_left(range(self._count), text, key=self.when)

    def _past(self, text: str) -> int:
        return bisect_right(range(self._count), text, key=self.when)

    @staticmethod
    def _shown(item: Item, request: Request) -> Item:
        projection = request.get("ProjectionExpression")
        if not projection:
            return item
        names = request.get("ExpressionAttributeNames", {})
        wanted = {names.get(name, name) for name in projection.replace(" ", "").split(",")}
        return {name: value for name, value in item.items() if name in wanted}


def ticks(count: int) -> Rows:
    """Return a prices table with `count` ticks per symbol, one per second."""
    return Rows("timestamp", tick_item, timedelta(seconds=1), count, NEWEST)


def bars(count: int) -> Rows:
    """Return a bars table with `count` minute bars per series."""
    return Rows("start", bar_item, timedelta(minutes=1), count, NEWEST.replace(second=0))
