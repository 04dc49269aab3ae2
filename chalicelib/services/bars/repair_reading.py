"""Read the rows of a range for a repair, up to a maximum number of ticks."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.correction import day_range
from chalicelib.domain.errors import TooManyCopies
from chalicelib.domain.sessions import Session
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later, minute_of
from chalicelib.services.priced import StoredTick
from chalicelib.services.stores import MOST_COPIES, BarStore, Page, PriceStore

MOST_TICKS = 20_000
"""The most ticks that one repair reads. The command `rebuild` repairs the rest."""

MOST_MINUTES = 1_500
"""The most minutes whose bars one repair computes again, so that no symbol delays the others. This
is more than a day of a symbol that trades round the clock. `rebuild` repairs the rest."""

NEWEST_TICKS = 60
"""The number of ticks read first when searching backwards for a tick with a given value."""

A_MINUTES_TICKS = 20
"""The number of ticks that are first read for a minute. Few minutes have more."""

_PAGE = 2000


class TooMuch(Exception):  # noqa: N818 - ends a repair, not an error
    """A repair would read more than MOST_TICKS ticks, or MOST_COPIES copies in one page."""


def _is_baseline(tick: Tick) -> bool:
    """Return whether the next regular tick's volume is counted from this tick's volume."""
    return tick.volume is not None and not place_of(tick).extended


def _is_in(tick: Tick, session: Session) -> bool:
    return place_of(tick).session == session


def stored_bars(
    bars: BarStore, symbol: str, interval: str, start: str, end: str, *, deleted: bool = False
) -> list[Bar]:
    """Return the bars of `[start, end)` in order, read consistently; `deleted` adds tombstones."""
    found: list[Bar] = []
    while True:
        page = bars.bars(
            symbol, interval, start, end, limit=_PAGE, consistent=True, deleted=deleted
        )
        found += page.rows
        if page.next_key is None:
            return found
        start = just_after(page.next_key)


class Expired(Exception):  # noqa: N818 - ends a repair, not an error
    """Ticks from which a bar was made are no longer stored."""


class Reader:
    """Reads bars and ticks consistently and counts the ticks. Create one reader for each repair."""

    def __init__(self, prices: PriceStore, bars: BarStore) -> None:
        self._prices = prices
        self._bars = bars
        self._left = MOST_TICKS
        self._minutes_left = MOST_MINUTES

    def stored(self, symbol: str, interval: str, start: str, end: str) -> list[Bar]:
        """Return the bars of `[start, end)`, in order."""
        return stored_bars(self._bars, symbol, interval, start, end)

    def ticks(self, symbol: str, start: str, end: str) -> list[Tick]:
        """Return the ticks of `[start, end)`, in order. Raises TooMuch."""
        found: list[Tick] = []
        while True:
            page = self._page(symbol, start, end, _PAGE)
            self._take(len(page.rows))
            found += [stored.tick for stored in page.rows]
            if page.next_key is None:
                return found
            start = just_after(page.next_key)

    def within_bound(self, ticks: Sequence[Tick]) -> tuple[list[Tick], list[Tick]]:
        """Split ordered ticks into those that fit into the repair's MOST_MINUTES, and the rest."""
        minutes = sorted({minute_of(tick.timestamp) for tick in ticks})
        beyond = minutes[self._minutes_left :]
        self._minutes_left -= len(minutes) - len(beyond)
        first = beyond[0] if beyond else "~"
        kept = [tick for tick in ticks if tick.timestamp < first]
        return kept, list(ticks[len(kept) :])

    def newest(self, symbol: str, start: str | None, end: str, count: int) -> list[Tick]:
        """Return the last `count` ticks of `[start, end)`, in order. Raises TooMuch."""
        page = self._page(symbol, start, end, count, descending=True)
        return [stored.tick for stored in reversed(page.rows)]

    def following(
        self, touched: Sequence[Tick], start: str, last: str, *, has_volumes: bool
    ) -> list[Tick]:
        """Return the ticks from `start` on in minutes whose volumes depend on the touched ticks.

        If ticks of the symbol have no volumes, this is the next minute that has ticks. Otherwise it
        is all minutes up to the session's first regular tick with a volume. Raises TooMuch.
        """
        if start > last:
            return []
        symbol, end = touched[-1].symbol, just_after(last)
        ticks, more = self._some(symbol, start, end, A_MINUTES_TICKS)
        session = place_of(touched[-1]).session
        count = NEWEST_TICKS
        while (
            more
            and has_volumes
            and not any(map(_is_baseline, ticks))
            and _is_in(ticks[-1], session)
        ):
            behind, more = self._some(symbol, just_after(ticks[-1].timestamp), end, count)
            self._take(len(behind))
            ticks += behind
            count = _PAGE
        if not ticks:
            return []
        follows = (
            tick for tick in ticks if has_volumes and _is_baseline(tick) and _is_in(tick, session)
        )
        beyond = later(minute_of(next(follows, ticks[0]).timestamp), minutes=1)
        if more and ticks[-1].timestamp < beyond:
            ticks += self.ticks(symbol, just_after(ticks[-1].timestamp), min(end, beyond))
        return [tick for tick in ticks if tick.timestamp < beyond]

    def before(self, first: Tick, start: str, *, has_volumes: bool) -> list[Tick]:
        """Return the last tick before `start`. If ticks of the symbol have volumes, return before
        it the last regular tick with a volume in the session of `first`. Raises TooMuch."""
        last = self.newest(first.symbol, None, start, 1)
        if not has_volumes or not last or _is_baseline(last[0]):
            return last
        low, _ = day_range(place_of(first).session)
        return [*self.last_with_volume(first.symbol, low, last[0].timestamp), *last]

    def last_with_volume(self, symbol: str, low: str, end: str) -> list[Tick]:
        """Return the last regular tick of `[low, end)` with a volume, if any. Raises TooMuch."""
        count = NEWEST_TICKS
        while low < end:
            found = self.newest(symbol, low, end, count)
            with_volume = [tick for tick in found if _is_baseline(tick)]
            if with_volume or len(found) < count:
                return with_volume[-1:]
            self._take(len(found))
            end, count = found[0].timestamp, _PAGE
        return []

    def _some(self, symbol: str, start: str, end: str, count: int) -> tuple[list[Tick], bool]:
        """Return the first ticks of a range, and whether more ticks follow."""
        page = self._page(symbol, start, end, count)
        return [stored.tick for stored in page.rows], page.next_key is not None

    def _page(
        self, symbol: str, start: str | None, end: str, count: int, *, descending: bool = False
    ) -> Page[StoredTick]:
        try:
            return self._prices.ticks(
                symbol,
                start,
                end,
                limit=count,
                descending=descending,
                consistent=True,
                most_copies=MOST_COPIES,
            )
        except TooManyCopies as error:
            raise TooMuch from error

    def _take(self, ticks: int) -> None:
        if ticks > self._left:
            raise TooMuch
        self._left -= ticks
