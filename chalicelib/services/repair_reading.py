"""What a repair reads of a symbol: all rows of a range, and no more ticks than it may."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later, minute_of
from chalicelib.services.stores import BarStore, PriceStore

MOST_TICKS = 20_000
"""The most ticks that one repair reads; what lies beyond is left to `rebuild`."""

NEWEST_TICKS = 60
"""Among how many ticks before an instant the last is looked for that tells a figure."""

A_MINUTES_TICKS = 20
"""As many as most minutes have."""

_PAGE = 2000


class TooMuch(Exception):  # noqa: N818 - ends a repair, is no error
    """A repair would read more than MOST_TICKS."""


def _is_baseline(tick: Tick) -> bool:
    """Whether the next regular tick's volume is a difference to this one's."""
    return tick.volume is not None and not place_of(tick).extended


def _follows(tick: Tick, touched: Tick) -> bool:
    return _is_baseline(tick) and place_of(tick).session == place_of(touched).session


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

    def following(self, touched: Sequence[Tick], start: str, last: str) -> list[Tick]:
        """The ticks from `start` on of the minutes whose volume may follow from touched ticks.

        It is the next minute that has any; where a touched tick tells a volume, also those up to
        the session's first regular tick that tells one.
        """
        if start > last:
            return []
        symbol, end = touched[-1].symbol, just_after(last)
        ticks, more = self._some(symbol, start, end, A_MINUTES_TICKS)
        tells = any(tick.volume is not None for tick in touched)
        if more and tells and not any(map(_is_baseline, ticks)):
            behind, more = self._some(symbol, just_after(ticks[-1].timestamp), end, NEWEST_TICKS)
            ticks += behind
        if not ticks:
            return []
        until = next((t for t in ticks if tells and _follows(t, touched[-1])), ticks[0])
        beyond = later(minute_of(until.timestamp), minutes=1)
        if more and ticks[-1].timestamp < beyond:
            ticks += self.ticks(symbol, just_after(ticks[-1].timestamp), min(end, beyond))
        return [tick for tick in ticks if tick.timestamp < beyond]

    def before(self, ticks: Sequence[Tick], start: str) -> list[Tick]:
        """The last tick before `start`; where it is no regular one that tells a volume, and one of
        `ticks` tells one, as many as such a one is looked for among."""
        symbol = ticks[0].symbol
        found = self.newest(symbol, None, start, 1)
        tells = any(tick.volume is not None for tick in ticks)
        if not tells or not found or _is_baseline(found[0]):
            return found
        return self.newest(symbol, None, start, NEWEST_TICKS)

    def _some(self, symbol: str, start: str, end: str, count: int) -> tuple[list[Tick], bool]:
        """The first ticks of a range, and whether there are more."""
        page = self._prices.ticks(symbol, start, end, limit=count, consistent=True)
        return [stored.tick for stored in page.rows], page.next_key is not None

    def _take(self, ticks: int) -> None:
        if ticks > self._left:
            raise TooMuch
        self._left -= ticks
