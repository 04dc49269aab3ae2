"""Repair of bars that a late or redelivered tick touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.correction import day_of, day_range, hour_of, hour_span, minutes_of
from chalicelib.domain.detection import State
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import later, minute_of
from chalicelib.services.stores import BarStore, PriceStore

_PAGE = 2000
_MANY = 5000
_MINUTES = 62


class Corrections:
    """Computes bars again from prices, and writes those that differ from what is stored."""

    def __init__(self, prices: PriceStore, bars: BarStore) -> None:
        self._prices = prices
        self._bars = bars

    def repair(self, state: State, first: str, through: str, arrival: str) -> State:
        """Repair all bars with ticks in `[first, through]`, none of which is newer than the
        state's last. Returns the state with its running bars repaired."""
        symbol = state.symbol
        low, high = minute_of(first), later(minute_of(through), minutes=1)
        ticks = [t for t in self._ticks(symbol, low, high) if t.timestamp <= state.last_timestamp]
        ticks += self._next_minute(symbol, high, state)
        if not ticks:
            return state
        state = self._repair_minutes(state, self._before(symbol, low), ticks, arrival)
        self._repair_hours(state, ticks, arrival)
        return self._repair_days(state, ticks, arrival)

    def put_hours(
        self, symbol: str, timezone: str | None, hours: Iterable[str], arrival: str
    ) -> None:
        """Fold and put the finished hours that begin at these instants."""
        for hour in self._folded(symbol, timezone, hours):
            self._bars.put(hour, arrival)

    def _folded(self, symbol: str, timezone: str | None, hours: Iterable[str]) -> Iterator[Bar]:
        calendar = calendar_for(symbol, timezone)
        for start in hours:
            span = hour_span(start, calendar)
            page = self._bars.bars(
                symbol, "1m", span.start, span.end, limit=_MINUTES, consistent=True
            )
            hour = hour_of(span, page.rows)
            if hour is not None:
                yield hour

    def _repair_minutes(
        self, state: State, before: Tick | None, ticks: Sequence[Tick], arrival: str
    ) -> State:
        bars = minutes_of(before, ticks)
        live = state.minute
        if live is not None:
            for bar in bars:
                if bar.start == live.start:
                    running = msgspec.structs.replace(bar, closed=False)
                    state = msgspec.structs.replace(state, minute=running)
        finished = [bar for bar in bars if live is None or bar.start != live.start]
        self._put_differing(finished, "1m", arrival)
        return state

    def _repair_hours(self, state: State, ticks: Sequence[Tick], arrival: str) -> None:
        running = place_of(state.last).hour if state.last else ""
        hours = dict.fromkeys(place_of(tick).hour for tick in ticks)
        finished = [hour for hour in hours if hour != running]
        for hour in self._folded(state.symbol, ticks[0].exchange_timezone, finished):
            self._put_differing([hour], "1h", arrival)

    def _repair_days(self, state: State, ticks: Sequence[Tick], arrival: str) -> State:
        for date, tick in {place_of(tick).date: tick for tick in ticks}.items():
            mine = [
                other
                for other in self._ticks(state.symbol, *day_range(tick))
                if place_of(other).date == date and other.timestamp <= state.last_timestamp
            ]
            day = day_of(mine)
            if day is None:
                continue
            if state.day is not None and state.day.start == day.start:
                state = msgspec.structs.replace(state, day=day)
            else:
                closed = msgspec.structs.replace(day, closed=True)
                self._put_differing([closed], "1d", arrival)
        return state

    def _put_differing(self, bars: Sequence[Bar], interval: str, arrival: str) -> None:
        if not bars:
            return
        symbol = bars[0].symbol
        end = later(bars[-1].start, microseconds=1)
        page = self._bars.bars(symbol, interval, bars[0].start, end, limit=_MANY, consistent=True)
        stored = {bar.start: bar for bar in page.rows}
        for bar in bars:
            old = stored.get(bar.start)
            closed = msgspec.structs.replace(
                bar, closed=True, revision=old.revision + 1 if old else 0
            )
            if old is None or not old.same_values(closed):
                self._bars.put(closed, arrival)

    def _ticks(self, symbol: str, start: str, end: str) -> list[Tick]:
        found: list[Tick] = []
        while True:
            page = self._prices.ticks(symbol, start, end, limit=_PAGE, consistent=True)
            found += [stored.tick for stored in page.rows]
            if page.next_key is None:
                return found
            start = later(page.next_key, microseconds=1)

    def _next_minute(self, symbol: str, start: str, state: State) -> list[Tick]:
        """The ticks of the next minute that has any: the volume of its first is a difference."""
        last = state.last_timestamp
        if start > last:
            return []
        end = later(last, microseconds=1)
        page = self._prices.ticks(symbol, start, end, limit=1, consistent=True)
        if not page.rows:
            return []
        minute = minute_of(page.rows[0].tick.timestamp)
        ticks = self._ticks(symbol, minute, later(minute, minutes=1))
        return [tick for tick in ticks if tick.timestamp <= last]

    def _before(self, symbol: str, start: str) -> Tick | None:
        page = self._prices.ticks(symbol, None, start, limit=1, descending=True, consistent=True)
        return page.rows[0].tick if page.rows else None
