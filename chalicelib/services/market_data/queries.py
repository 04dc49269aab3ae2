"""Queries for market data, independent of HTTP.

Instants are stored text (27 characters, UTC). Ranges are half-open, and None is an open end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import msgspec

Period = Literal["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "ytd", "max"]
Interval = Literal["auto", "tick", "1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo"]

Adjustment = Literal["raw", "splits", "all"]

PERIODS: tuple[Period, ...] = get_args(Period)
INTERVALS: tuple[Interval, ...] = get_args(Interval)
ADJUSTMENTS: tuple[Adjustment, ...] = get_args(Adjustment)
BAR_INTERVALS = INTERVALS[2:]

MAX_LIMIT = 5000
DEFAULT_LIMIT = 500
MAX_QUOTES = 100
MOST_WHOLE_ROWS = 50_000
"""The most rows of a whole range in one answer. As bars, they take about 5 MB of CSV."""
MAX_DAYS = 31
"""The longest range of alerts that is read for all symbols."""


class Range(msgspec.Struct, frozen=True):
    """The range `[start, end)`. None means that the range is open at that end."""

    start: str | None = None
    end: str | None = None

    def holds(self, instant: str) -> bool:
        """Return whether the range contains a stored timestamp."""
        return (self.start is None or instant >= self.start) and (
            self.end is None or instant < self.end
        )


class Cursor(msgspec.Struct, frozen=True):
    """The position in a series that is read page by page: after the row labelled `after`. It keeps
    the interval and range of the first page, even if a newer price has come since."""

    interval: str
    range: Range
    after: str


class PriceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query for rows of one symbol. `period` is never combined with a `range` that has an end.

    If `limit` is None, one answer has the whole range. If `adjustment` is None, bars are as stored.
    """

    symbol: str
    interval: Interval = "auto"
    adjustment: Adjustment | None = None
    range: Range = Range()
    period: Period | None = None
    limit: int | None = DEFAULT_LIMIT
    descending: bool = False
    cursor: Cursor | None = None

    @property
    def page_size(self) -> int:
        """Return the most rows that a page may have."""
        return MAX_LIMIT if self.limit is None else self.limit

    def in_time(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return rows of the query's answer, put into order of time."""
        return rows[::-1] if self.descending else rows


class PriceCursor(msgspec.Struct, frozen=True):
    """The position in a table of several symbols: within the rows of `symbol`, or before its first
    row."""

    symbol: str
    within: Cursor | None = None


class ManyPricesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query for rows of several symbols, one symbol after the other.

    `each` is the query for every symbol. Its own symbol and cursor are not used.
    """

    symbols: tuple[str, ...]
    each: PriceQuery
    cursor: PriceCursor | None = None


class AlertQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query for recorded alerts. Without `symbol`, it asks for all symbols, over at most MAX_DAYS
    days.

    `after` is the position of the last alert on the previous page.
    """

    symbol: str | None = None
    condition: str | None = None
    range: Range = Range()
    limit: int = DEFAULT_LIMIT
    descending: bool = False
    after: str | None = None
