"""What a repair reads of a symbol: all rows of a range, and no more ticks than it may."""

from __future__ import annotations

from chalicelib.domain.bars import Bar
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later, minute_of
from chalicelib.services.stores import BarStore, PriceStore

MOST_TICKS = 20_000
"""The most ticks that one repair reads; what lies beyond is left to `rebuild`."""

A_MINUTES_TICKS = 20
"""As many as most minutes have."""

_PAGE = 2000


class TooMuch(Exception):  # noqa: N818 - ends a repair, is no error
    """A repair would read more than MOST_TICKS."""


def stored_bars(bars: BarStore, symbol: str, interval: str, start: str, end: str) -> list[Bar]:
    """The bars of `[start, end)`, in order, read consistently."""
    found: list[Bar] = []
    while True:
        page = bars.bars(symbol, interval, start, end, limit=_PAGE, consistent=True)
        found += page.rows
        if page.next_key is None:
            return found
        start = just_after(page.next_key)


class Expired(Exception):  # noqa: N818 - ends a repair, is no error
    """Ticks of which a bar was made are no longer stored."""


class Reader:
    """Reads consistently; made anew for each repair, since it counts the ticks."""

    def __init__(self, prices: PriceStore, bars: BarStore) -> None:
        self._prices = prices
        self._bars = bars
        self._left = MOST_TICKS

    def stored(self, symbol: str, interval: str, start: str, end: str) -> list[Bar]:
        """The bars of `[start, end)`, in order."""
        return stored_bars(self._bars, symbol, interval, start, end)

    def ticks(self, symbol: str, start: str, end: str) -> list[Tick]:
        """The ticks of `[start, end)`, in order. Raises TooMuch."""
        found: list[Tick] = []
        while True:
            page = self._prices.ticks(symbol, start, end, limit=_PAGE, consistent=True)
            self._take(len(page.rows))
            found += [stored.tick for stored in page.rows]
            if page.next_key is None:
                return found
            start = just_after(page.next_key)

    def newest(self, symbol: str, start: str | None, end: str, count: int) -> list[Tick]:
        """The last `count` ticks of `[start, end)`, in order."""
        page = self._prices.ticks(symbol, start, end, limit=count, descending=True, consistent=True)
        return [stored.tick for stored in reversed(page.rows)]

    def next_minute(self, symbol: str, start: str, last: str) -> list[Tick]:
        """The ticks of the next minute that has any: the volume of its first is a difference."""
        if start > last:
            return []
        end = just_after(last)
        page = self._prices.ticks(symbol, start, end, limit=A_MINUTES_TICKS, consistent=True)
        if not page.rows:
            return []
        ticks = [stored.tick for stored in page.rows]
        minute = minute_of(ticks[0].timestamp)
        if page.next_key is not None and minute_of(ticks[-1].timestamp) == minute:
            end = min(end, later(minute, minutes=1))
            ticks += self.ticks(symbol, just_after(ticks[-1].timestamp), end)
        return [tick for tick in ticks if minute_of(tick.timestamp) == minute]

    def before(self, symbol: str, start: str) -> Tick | None:
        """The last tick before an instant."""
        page = self._prices.ticks(symbol, None, start, limit=1, descending=True, consistent=True)
        return page.rows[0].tick if page.rows else None

    def _take(self, ticks: int) -> None:
        if ticks > self._left:
            raise TooMuch
        self._left -= ticks
