"""Reads the stored bars that conditions `when` depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import State
from chalicelib.domain.folding import BASE_OF, fold_bars, label
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.splits import Split
from chalicelib.domain.times import later, to_text
from chalicelib.domain.when.adjusting import adjusted_bars
from chalicelib.domain.when.needs import SeriesKey, stored_bars
from chalicelib.domain.when.points import DAYS, SECONDS, Point, session_date
from chalicelib.services.bars.other_rows import OtherRows
from chalicelib.services.bars.running_bars import RunningBars
from chalicelib.services.bars.stored_rows import NO_VERSIONS, StoredRows
from chalicelib.services.bars.time_limits import never
from chalicelib.services.stores import BarStore

_SPAN = timedelta(days=2)


class WhenBars:
    """Reads bars of a symbol and of the other symbols that its rules name.

    `states` has the state of each symbol that has one. A state's running bar counts as soon as its
    interval is over, but is stored only at the next price. Reading may raise TimeIsUp.
    """

    def __init__(
        self,
        bars: BarStore,
        symbol: str,
        states: Mapping[str, State],
        *,
        consistent: bool = True,
        time_is_up: Callable[[], bool] = never,
        others: OtherRows | None = None,
        versions: Mapping[str, object] = NO_VERSIONS,
    ) -> None:
        """Create a reader. `others` caches bars of the other symbols, under their `versions`."""
        self._rows = StoredRows(
            bars,
            self._dated,
            consistent=consistent,
            time_is_up=time_is_up,
            others=others,
            versions=versions,
        )
        self._symbol = symbol
        self._states = states
        self._running = RunningBars(bars, consistent=consistent)

    def zones(self) -> dict[str, str | None]:
        """Return the time zone of each symbol that has a state."""
        return {symbol: state.timezone for symbol, state in self._states.items()}

    def splits_of_others(self) -> list[Split]:
        """Return the splits of the other symbols."""
        others = (state for name, state in self._states.items() if name != self._symbol)
        return [split for state in others for split in state.splits]

    def newest(
        self, key: SeriesKey, first: Point, last: Point, count: int, splits: Sequence[Split]
    ) -> list[Bar]:
        """Return the newest `count` bars before `first` and those from `first` up to `last`, in
        order. `splits` are the symbol's own. The splits of other symbols come from their states."""
        base = BASE_OF[key.interval]
        before = self._until(key, first) if base == "1d" else first.end
        until, wanted = self._until(key, last), stored_bars(key, count + 1)
        found = self._rows.newest(key.symbol or self._symbol, base, before, until, wanted)
        bars = self._folded(key, found.bars, splits, last)
        return bars[1:] if found.is_cut and base != key.interval else bars

    def since(self, key: SeriesKey, label: str, last: Point, splits: Sequence[Split]) -> list[Bar]:
        """Return the bars from the label `label` up to `last`, in order. `splits` is as in
        `newest`."""
        symbol, base = key.symbol or self._symbol, BASE_OF[key.interval]
        rows = self._rows.since(symbol, base, label, self._until(key, last))
        bars = self._folded(key, rows, splits, last)
        return [bar for bar in bars if bar.start >= label]

    def forget(self) -> None:
        """Drop the stored bars that were read."""
        self._rows.forget()

    def is_final(self, key: SeriesKey, bar: Bar, *, is_newest: bool) -> bool:
        """Return whether a bar can no longer change if all further prices arrive in order. A bar of
        a symbol without a state is final. A historical bar that is not the newest is final too."""
        state = self._states.get(key.symbol or self._symbol)
        if state is None or not (bar.ticks or is_newest):
            return True
        if key.interval in DAYS:
            return state.day is None or label(state.day.start, key.interval) > bar.start
        return later(bar.start, seconds=SECONDS[key.interval]) <= state.last_timestamp

    def _folded(
        self, key: SeriesKey, rows: list[Bar], splits: Sequence[Split], last: Point
    ) -> list[Bar]:
        state = self._states.get(key.symbol or self._symbol)
        if state is not None:
            until = self._until(key, last)
            base, own = BASE_OF[key.interval], not key.symbol
            rows = self._running.added(rows, state, base, until, may_go_on=own)
        if key.symbol:
            splits = state.splits if state is not None else ()
        return fold_bars(adjusted_bars(rows, splits), key.interval)

    def _dated(self, bar: Bar) -> Bar:
        """Return a bar with the date of its session. Historical bars lack this date."""
        if bar.session_date:
            return bar
        date = bar.start[:10] if bar.interval == "1d" else self._session_date(bar)
        return msgspec.structs.replace(bar, session_date=date)

    def _session_date(self, bar: Bar) -> str:
        return session_date(bar.symbol, self._zone(bar.symbol), bar.start)

    def _zone(self, symbol: str) -> str | None:
        state = self._states.get(symbol)
        return state.timezone if state is not None else None

    def _until(self, key: SeriesKey, point: Point) -> str:
        """Return an instant after the start of every stored bar that may be over at a point."""
        if BASE_OF[key.interval] == "1d":
            return f"{date.fromisoformat(point.date) + _SPAN}T00:00:00.000000Z"
        if key.symbol or point.interval not in DAYS:
            return point.end
        calendar = calendar_for(self._symbol, self._zone(self._symbol))
        _, end = calendar.span_of(date.fromisoformat(point.date))
        return max(point.end, to_text(end))
