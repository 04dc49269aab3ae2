"""What can be asked of the market data, apart from how it is asked.

Instants are stored text (27 characters, UTC), ranges half-open, None an open end.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Period = Literal["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "ytd", "max"]
Interval = Literal["auto", "tick", "1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo"]

PERIODS: tuple[Period, ...] = get_args(Period)
INTERVALS: tuple[Interval, ...] = get_args(Interval)
BAR_INTERVALS = INTERVALS[2:]

MAX_LIMIT = 5000
DEFAULT_LIMIT = 500
MAX_QUOTES = 100
MOST_WHOLE_ROWS = 50_000
"""The longest range that is answered in one piece: 5 MB hold about as many bars as CSV."""
MAX_DAYS = 31
"""The longest range of alerts that is read without a symbol."""


class Range(msgspec.Struct, frozen=True):
    """`[start, end)`; None leaves that end open."""

    start: str | None = None
    end: str | None = None

    def holds(self, instant: str) -> bool:
        """Whether a stored timestamp lies within."""
        return (self.start is None or instant >= self.start) and (
            self.end is None or instant < self.end
        )


class Cursor(msgspec.Struct, frozen=True):
    """Where a walk stands: after the row labelled `after`, in an interval and a range that were
    settled on its first page, so that a new newest price moves neither."""

    interval: str
    range: Range
    after: str


class PriceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one symbol. `period` and a `range` with an end never come together.

    `limit` is None for the whole range in one piece.
    """

    symbol: str
    interval: Interval = "auto"
    range: Range = Range()
    period: Period | None = None
    limit: int | None = DEFAULT_LIMIT
    descending: bool = False
    cursor: Cursor | None = None

    @property
    def page_size(self) -> int:
        """The most rows that one read may return."""
        return MAX_LIMIT if self.limit is None else self.limit


class PriceCursor(msgspec.Struct, frozen=True):
    """Where a walk over several symbols stands: within `symbol`, or before its first row."""

    symbol: str
    within: Cursor | None = None


class ManyPricesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of several symbols, one symbol after the other.

    `each` holds what is asked of every symbol; its own symbol and cursor are not used.
    """

    symbols: tuple[str, ...]
    each: PriceQuery
    cursor: PriceCursor | None = None


class AlertQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Fired alerts; all symbols where `symbol` is None, then at most MAX_DAYS days.

    `after` is the position of the last alert of the page before.
    """

    symbol: str | None = None
    condition: str | None = None
    range: Range = Range()
    limit: int = DEFAULT_LIMIT
    descending: bool = False
    after: str | None = None
