"""Bars: open, high, low and close of `[start, start + interval)`, labelled by the start.

1m bars stand at whole minutes, 1h bars are anchored at the session's open, 1d bars are labelled
by the session's date at 00:00Z, so that a range of dates means the same on every exchange.
Empty intervals have no bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from chalicelib.domain.ticks import HIGHEST_VOLUME

STORED = ("1m", "1h", "1d")
"""The intervals kept in the table; the others are folded from them on reading."""

ZERO = Decimal(0)


def total_volume(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    """The volume of two parts of a bar, at most HIGHEST_VOLUME; None where neither is known.

    The rises of a cumulative volume that goes up and down have no bound of their own. The total
    does not depend on the order in which parts are added.
    """
    if first is None or second is None:
        return second if first is None else first
    return min(first + second, HIGHEST_VOLUME)


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar of a symbol.

    `ticks` counts the ticks that it was made from; 0 marks a historical bar that came as such.
    volume is the number of shares (or units) traded within it; None where nothing is known.
    `extended` says that it is made of ticks outside of the regular session. `revision` counts
    corrections.
    `deleted` marks a bar whose ticks have all moved to the other kind: a tombstone, which is kept
    so that no container that still knows the bar inserts it again. Only repairs see it.
    `folded` is the number of finer bars that a historical bar was made from by whoever sent it; 0
    of one that came as it is.
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
        """The table's hash key, as `AAPL#1m`."""
        return f"{self.symbol}#{self.interval}"

    @property
    def key(self) -> str:
        """The place in its series: the start, a microsecond later for an extended bar, since one
        minute may have a regular and an extended bar."""
        return key_of(self.start, extended=self.extended)

    @property
    def last_key(self) -> str:
        """Behind this key lie only bars of later starts: where this came as history, no extended
        one beside it is shown."""
        whole = not self.ticks and self.interval in STORED
        return key_of(self.start, extended=True) if whole else self.key

    def same_values(self, other: Bar) -> bool:
        """Whether everything but the revision agrees."""
        return msgspec.structs.replace(self, revision=0) == msgspec.structs.replace(
            other, revision=0
        )


def key_of(start: str, *, extended: bool) -> str:
    """The key of a bar with this start."""
    return f"{start[:-2]}1Z" if extended else start


def start_of(key: str, *, extended: bool) -> str:
    """The start of the bar at a place in its series."""
    return f"{key[:-2]}0Z" if extended else key


def shown(bars: Sequence[Bar]) -> list[Bar]:
    """Bars of one interval without extended ones beside history, which stands for all of its
    interval."""
    whole = {bar.start for bar in bars if not bar.ticks}
    return [bar for bar in bars if not bar.extended or bar.start not in whole]


def merge(first: Bar, second: Bar) -> Bar:
    """One bar that spans two neighbours of the same target interval, `first` the earlier."""
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
