"""Bars: open, high, low and close of `[start, start + interval)`. A bar's label is its start.

1m bars start at whole minutes. 1h bars are counted from the session's open. 1d bars are labelled
with the session's date at 00:00Z, so that a range of dates means the same on every exchange. Empty
intervals have no bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from chalicelib.domain.ticks import HIGHEST_VOLUME

STORED = ("1m", "1h", "1d")
"""The intervals kept in the table; readers fold the others from them."""

ZERO = Decimal(0)


def total_volume(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    """Return the sum of the volumes of two parts of a bar, at most HIGHEST_VOLUME.

    An unknown volume counts as 0; if both are unknown, the sum is None. Without a bound, the
    increases of a cumulative volume that goes up and down could add up to any number. The sum does
    not depend on the order of the parts.
    """
    if first is None or second is None:
        return second if first is None else first
    return min(first + second, HIGHEST_VOLUME)


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar of a symbol.

    `ticks` is the number of its ticks; 0 marks a historical bar. `volume` is the number of shares
    (or units) traded in the bar; None if unknown. `extended` marks a bar of ticks outside the
    regular session. `revision` counts corrections. `deleted` marks a tombstone: all ticks of the
    bar have moved to the other kind, regular or extended. A tombstone keeps containers with the old
    bar from inserting it again; only repairs see tombstones. `folded` is the number of finer bars
    from which the sender made a historical bar; 0 for an original bar.
    """

    symbol: str
    interval: str
    start: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None
    ticks: int = 0
    session_date: str = ""
    source: str = "unknown"
    closed: bool = True
    extended: bool = False
    revision: int = 0
    folded: int = 0
    deleted: bool = False

    @property
    def series(self) -> str:
        """Return the hash key in the bars table, such as `AAPL#1m`."""
        return f"{self.symbol}#{self.interval}"

    @property
    def key(self) -> str:
        """Return the bar's key in its series, made by `key_of`."""
        return key_of(self.start, extended=self.extended)

    @property
    def instant(self) -> str:
        """Return the instant for which the bar's source must be the source of the series."""
        return self.start

    @property
    def last_key(self) -> str:
        """Return the key after which the next page of bars starts. A historical bar hides an
        extended bar with the same start, so its key is that of the extended bar."""
        whole = not self.ticks and self.interval in STORED
        return key_of(self.start, extended=True) if whole else self.key

    def same_values(self, other: Bar) -> bool:
        """Return whether two bars are equal in everything but the revision."""
        return msgspec.structs.replace(self, revision=0) == msgspec.structs.replace(
            other, revision=0
        )


def key_of(start: str, *, extended: bool) -> str:
    """Return the key of a bar in its series: the bar's start, plus a microsecond if it is extended.
    One minute may have a regular and an extended bar."""
    return f"{start[:-2]}1Z" if extended else start


def start_of(key: str, *, extended: bool) -> str:
    """Return the start of the bar with this key in its series."""
    return f"{key[:-2]}0Z" if extended else key


def shown(bars: Sequence[Bar]) -> list[Bar]:
    """Return the bars, which have one interval, without extended bars that a historical bar hides.
    These have the start of the historical bar, which covers the whole interval."""
    whole = {bar.start for bar in bars if not bar.ticks}
    return [bar for bar in bars if not bar.extended or bar.start not in whole]


def merge(first: Bar, second: Bar) -> Bar:
    """Merge two neighbours into one bar of the same target interval. `first` is the earlier."""
    return msgspec.structs.replace(
        first,
        high=max(first.high, second.high),
        low=min(first.low, second.low),
        close=second.close,
        volume=total_volume(first.volume, second.volume),
        ticks=first.ticks + second.ticks,
        closed=second.closed,
        session_date=first.session_date or second.session_date,
    )
