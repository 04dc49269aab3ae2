"""Where the prices of a symbol begin, and what of the bars there was made of expired ones."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.bars import Bar, key_of
from chalicelib.domain.building import Place, place_of
from chalicelib.domain.correction import day_range
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later
from chalicelib.services.repair_reading import stored_bars
from chalicelib.services.stores import BarStore, PriceStore

_PAGE = 1000


class Edge:
    """The first price that is left, and its session.

    `expired_date` is the session's where ticks of it have expired, else empty: 1m bars outlive
    prices, so that some lie before the first one, or count more ticks than its minute has left.
    What came at `expired_before` or later has not expired.
    """

    def __init__(
        self, prices: PriceStore, bars: BarStore, first: Tick, expired_before: str
    ) -> None:
        self._prices = prices
        self._bars = bars
        self._symbol = first.symbol
        place = place_of(first)
        low, high = day_range(place.session)
        expired = place.minute < expired_before and self._has_expired(place, low)
        self.expired_date = place.date if expired else ""
        self._until = self._first_difference(place, high) if expired else place.minute

    def _has_expired(self, place: Place, low: str) -> bool:
        end = later(place.minute, minutes=1)
        stored = stored_bars(self._bars, self._symbol, "1m", low, end)
        mine = [bar for bar in stored if bar.ticks and bar.session_date == place.date]
        if any(bar.start < place.minute for bar in mine):
            return True
        count = sum(bar.ticks for bar in mine) or 1
        page = self._prices.ticks(self._symbol, place.minute, end, limit=count, consistent=True)
        return len(page.rows) < count

    def _first_difference(self, place: Place, end: str) -> str:
        """The minute of the first regular tick that tells a volume: it may be a difference to a
        tick that has expired."""
        start = place.minute
        while True:
            page = self._prices.ticks(self._symbol, start, end, limit=_PAGE, consistent=True)
            for stored in page.rows:
                at = place_of(stored.tick)
                if at.date != place.date:
                    return place.minute
                if stored.tick.volume is not None and not at.extended:
                    return at.minute
            if page.next_key is None:
                return place.minute
            start = just_after(page.next_key)

    def without(self, minutes: Sequence[Bar]) -> list[Bar]:
        """The minutes but those at the edge of which as many ticks are stored: volumes there may be
        differences to ticks that have expired."""
        edge = [bar for bar in minutes if bar.start <= self._until]
        if not edge:
            return list(minutes)
        end = just_after(key_of(edge[-1].start, extended=True))
        stored = stored_bars(self._bars, self._symbol, "1m", edge[0].start, end)
        counts = {bar.key: bar.ticks for bar in stored}
        starts = {bar.start for bar in edge}
        differing = {bar.start for bar in edge if counts.pop(bar.key, None) != bar.ticks}
        differing |= {bar.start for bar in stored if bar.key in counts}
        return [bar for bar in minutes if bar.start not in starts - differing]
