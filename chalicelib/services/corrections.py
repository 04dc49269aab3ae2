"""Repair of bars that a late or redelivered tick touches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import Hour, place_of
from chalicelib.domain.correction import day_of, day_range, hour_of, hour_span, minutes_of
from chalicelib.domain.detection import State
from chalicelib.domain.errors import Contended
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later, minute_of
from chalicelib.services.stores import BarStore, PriceStore

_PAGE = 2000


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
        self, symbol: str, timezone: str | None, hours: Sequence[Hour], arrival: str
    ) -> None:
        """Fold and put finished hours, given in order."""
        clashes = self.put_all(self.folded(symbol, timezone, hours), arrival)
        self.put_differing(sorted(clashes, key=lambda bar: bar.start), "1h", arrival)

    def put_all(self, bars: Sequence[Bar], arrival: str) -> list[Bar]:
        """Put bars of any intervals; returns those that differ from what is stored already."""
        return self._bars.put_all(bars, arrival) if bars else []

    def settle(self, state: State, clashes: Sequence[Bar], arrival: str) -> State:
        """Compute bars again of which another container has stored other values: its state had
        what this one did not know, or the other way round. Prices decide."""
        for bar in clashes:
            length = {"days": 1} if bar.interval == "1d" else {"minutes": 1}
            through = min(later(bar.start, **length), state.last_timestamp)
            state = self.repair(state, bar.start, through, arrival)
        return state

    def folded(self, symbol: str, timezone: str | None, hours: Sequence[Hour]) -> list[Bar]:
        """Hours, given in order, out of their stored minutes."""
        if not hours:
            return []
        calendar = calendar_for(symbol, timezone)
        spans = [hour_span(hour, calendar) for hour in hours]
        minutes = self._stored(symbol, "1m", spans[0].start, spans[-1].end)
        starts = [bar.start for bar in minutes]
        folded = []
        for span in spans:
            mine = minutes[bisect_left(starts, span.start) : bisect_left(starts, span.end)]
            hour = hour_of(span, mine)
            if hour is not None:
                folded.append(hour)
        return folded

    def _stored(self, symbol: str, interval: str, start: str, end: str) -> list[Bar]:
        found: list[Bar] = []
        while True:
            page = self._bars.bars(symbol, interval, start, end, limit=_PAGE, consistent=True)
            found += page.rows
            if page.next_key is None:
                return found
            start = just_after(page.next_key)

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
        self.put_differing(finished, "1m", arrival)
        return state

    def _repair_hours(self, state: State, ticks: Sequence[Tick], arrival: str) -> None:
        running = place_of(state.last).hour if state.last else None
        hours = dict.fromkeys(place_of(tick).hour for tick in ticks)
        finished = [hour for hour in hours if hour != running]
        folded = self.folded(state.symbol, ticks[0].exchange_timezone, finished)
        self.put_differing(folded, "1h", arrival)

    def _repair_days(self, state: State, ticks: Sequence[Tick], arrival: str) -> State:
        dates = {place_of(tick).date: tick for tick in ticks}
        start, end = day_range(ticks[0])[0], day_range(ticks[-1])[1]
        by_date: dict[str, list[Tick]] = {date: [] for date in dates}
        for tick in self._ticks(state.symbol, start, end):
            date = place_of(tick).date
            if date in by_date and tick.timestamp <= state.last_timestamp:
                by_date[date].append(tick)
        days = [day for day in map(day_of, by_date.values()) if day is not None]
        live = state.day.start if state.day else ""
        for day in days:
            if day.start == live:
                state = msgspec.structs.replace(state, day=day)
        self.put_differing([day for day in days if day.start != live], "1d", arrival)
        return state

    def put_differing(self, bars: Sequence[Bar], interval: str, arrival: str) -> int:
        """Put finished bars of a symbol, in order, where they differ from what is stored, with
        `revision` raised. Returns how many differed.

        Two hours have one label where a source says PRE just after the open: that of more ticks
        stays.
        """
        if not bars:
            return 0
        end = just_after(bars[-1].start)
        stored = {b.start: b for b in self._stored(bars[0].symbol, interval, bars[0].start, end)}
        differing = []
        for bar in bars:
            old = stored.get(bar.start)
            if old is not None and interval == "1h" and bar.ticks < old.ticks:
                continue
            revision = old.revision + 1 if old else 0
            closed = msgspec.structs.replace(bar, closed=True, revision=revision)
            if old is None or not old.same_values(closed):
                differing.append(closed)
        if clashes := self.put_all(differing, arrival):
            raise Contended(f"{clashes[0].series}: a bar is being corrected by another invocation")
        return len(differing)

    def _ticks(self, symbol: str, start: str, end: str) -> list[Tick]:
        found: list[Tick] = []
        while True:
            page = self._prices.ticks(symbol, start, end, limit=_PAGE, consistent=True)
            found += [stored.tick for stored in page.rows]
            if page.next_key is None:
                return found
            start = just_after(page.next_key)

    def _next_minute(self, symbol: str, start: str, state: State) -> list[Tick]:
        """The ticks of the next minute that has any: the volume of its first is a difference."""
        last = state.last_timestamp
        if start > last:
            return []
        end = just_after(last)
        page = self._prices.ticks(symbol, start, end, limit=1, consistent=True)
        if not page.rows:
            return []
        minute = minute_of(page.rows[0].tick.timestamp)
        ticks = self._ticks(symbol, minute, later(minute, minutes=1))
        return [tick for tick in ticks if tick.timestamp <= last]

    def _before(self, symbol: str, start: str) -> Tick | None:
        page = self._prices.ticks(symbol, None, start, limit=1, descending=True, consistent=True)
        return page.rows[0].tick if page.rows else None
