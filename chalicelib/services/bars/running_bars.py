"""Add a state's running bars to stored bars, for conditions. A bar counts as soon as it has ended,
but it is stored only at the next price."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.domain.bars import Bar, shown
from chalicelib.domain.building import hour_around, place_of
from chalicelib.domain.correction import hour_of, hour_span
from chalicelib.domain.detection import State
from chalicelib.domain.sessions import calendar_for
from chalicelib.services.stores import BarStore

_MOST_MINUTES = 122
"""The most stored minutes of an hour and its closing price, regular and extended."""


class RunningBars:
    """Adds the running regular bar of a state to stored bars."""

    def __init__(self, bars: BarStore, *, consistent: bool = True) -> None:
        self._bars = bars
        self._consistent = consistent

    def added(
        self, rows: list[Bar], state: State, base: str, until: str, *, may_go_on: bool
    ) -> list[Bar]:
        """Return the stored regular bars of an interval and the state's running bar, in order. The
        running bar is added if it begins before `until`. A running hour takes a Query. If it ends
        after `until`, it is added only if `may_go_on` is true."""
        if base == "1h":
            return self._with_hour(rows, state, until, may_go_on=may_go_on)
        bar = state.day if base == "1d" else _regular_minute(state)
        if bar is None or not bar.ticks or bar.start >= until:
            return rows
        # The state was read before the bars, so a bar that has ended in between is stored.
        if rows and rows[-1].start >= bar.start:
            return rows
        return [*rows, msgspec.structs.replace(bar, closed=True)]

    def _with_hour(
        self, rows: list[Bar], state: State, until: str, *, may_go_on: bool
    ) -> list[Bar]:
        minute = _regular_minute(state)
        if minute is None or state.last is None:
            return rows
        calendar = calendar_for(state.symbol, state.timezone)
        span = hour_span(hour_around(minute, place_of(state.last)), calendar)
        if span.start >= until or (span.end > until and not may_go_on):
            return rows
        page = self._bars.bars(
            state.symbol,
            "1m",
            span.start,
            span.end,
            limit=_MOST_MINUTES,
            consistent=self._consistent,
        )
        hour = hour_of(span, _with_minute(page.rows, minute))
        # As with the API's running hours: ticks of the other kind may have interrupted a stored one
        stored = next((bar for bar in rows if bar.start == span.start), None)
        if hour is None or (stored is not None and not 0 < stored.ticks <= hour.ticks):
            return rows
        others = [bar for bar in rows if bar.start != span.start]
        return sorted([*others, hour], key=lambda bar: bar.start)


def _regular_minute(state: State) -> Bar | None:
    return next((bar for bar in state.minutes if not bar.extended), None)


def _with_minute(stored: Sequence[Bar], minute: Bar) -> list[Bar]:
    known = {bar.key: bar for bar in (minute, *stored)}
    return shown([known[key] for key in sorted(known)])
