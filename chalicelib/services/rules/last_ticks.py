"""Find the last regular tick of a bar. A live alert on the bar has the time of this tick."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property

from chalicelib.domain.bar_watching import label_of
from chalicelib.domain.building import place_of
from chalicelib.domain.folding import BASE_OF
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import later, to_text
from chalicelib.services.stores import Close, Stores

_LENGTH = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1)}
_MOST_AFTER_HOURS = 1000
"""How many ticks are read to find the last one of regular hours."""


class LastTicks:
    """Finds the last ticks of bars among a symbol's prices. Reads nothing for bars before the
    oldest price."""

    def __init__(self, stores: Stores, symbol: str, interval: str, zone: str | None) -> None:
        """Create a reader. `zone` is the time zone of the exchange, as the symbol's last tick names
        it."""
        self._stores = stores
        self._symbol = symbol
        self._base = BASE_OF[interval]
        self._zone = zone

    def tick_of(self, part: Close) -> Tick | None:
        """Return the last regular tick of the stored bar `part`. Return None if none is stored: the
        bar is historical, or its ticks have expired."""
        start, end = self._range(part)
        if self._oldest is None or end <= self._oldest:
            return None
        ticks = self._stores.prices.ticks
        page = ticks(self._symbol, start, end, limit=_MOST_AFTER_HOURS, descending=True)
        regular = (row.tick for row in page.rows if self._is_in(row.tick, part))
        return next(regular, None)

    def _is_in(self, tick: Tick, part: Close) -> bool:
        place = place_of(tick)
        return not place.extended and label_of(place, self._base) == part.start

    def _range(self, part: Close) -> tuple[str, str]:
        if self._base != "1d":
            return part.start, later(part.start, seconds=_LENGTH[self._base].total_seconds())
        day = date.fromisoformat(part.date)
        start, end = calendar_for(self._symbol, self._zone).span_of(day)
        return to_text(start), to_text(end)

    @cached_property
    def _oldest(self) -> str | None:
        page = self._stores.prices.ticks(self._symbol, None, None, limit=1)
        return page.rows[0].tick.timestamp if page.rows else None
