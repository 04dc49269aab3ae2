"""Reads the stored bars that conditions depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import State
from chalicelib.domain.folding import BASE_OF, fold_bars, label
from chalicelib.domain.splits import Split
from chalicelib.domain.times import just_after, later
from chalicelib.domain.when.adjusting import adjusted_bars
from chalicelib.domain.when.needs import SeriesKey, stored_bars
from chalicelib.domain.when.points import DAYS, SECONDS, Point
from chalicelib.services.stores import BarStore

_PAGE = 2_500
"""About as many bars as one Query returns: 1 MB."""

_SPAN = timedelta(days=2)
_MOST_EXTENDED = 4
"""How many stored bars are read for each that is needed: bars outside the session are skipped."""


class WhenBars:
    """Reads bars of a symbol and of others.

    `states` has the state of each symbol that has one. The running day of a state counts once its
    session is over, since it is stored only when the next one begins; `with_running_day` has the
    series that were read with one.
    """

    def __init__(self, bars: BarStore, symbol: str, states: Mapping[str, State]) -> None:
        self._bars = bars
        self._symbol = symbol
        self._states = states
        self.with_running_day: set[SeriesKey] = set()

    def zones(self) -> dict[str, str | None]:
        """Return the time zone of each other symbol."""
        return {symbol: state.timezone for symbol, state in self._states.items()}

    def newest(
        self, key: SeriesKey, first: Point, last: Point, count: int, splits: Sequence[Split]
    ) -> list[Bar]:
        """Return the newest `count` bars before `first`, and those up to `last`, in order. Splits
        are those of the symbol itself."""
        symbol, base = key.symbol or self._symbol, BASE_OF[key.interval]
        wanted, since = stored_bars(key, count + 1), _until(base, first)
        rows: list[Bar] = []
        end: str | None = _until(base, last)
        read = older = 0
        while end is not None and older < wanted and read < _PAGE + _MOST_EXTENDED * wanted:
            limit = min(_PAGE, wanted + 60)
            page = self._bars.bars(
                symbol, base, None, end, limit=limit, descending=True, consistent=True
            )
            rows += [bar for bar in page.rows if not bar.extended]
            older = sum(bar.start < since for bar in rows)
            read += len(page.rows)
            end = page.next_key
        rows.reverse()
        bars = self._folded(key, rows, splits, last)
        return bars[1:] if end is not None and base != key.interval else bars

    def since(self, key: SeriesKey, label: str, last: Point, splits: Sequence[Split]) -> list[Bar]:
        """Return the bars after one with a label, up to `last`, in order."""
        symbol, base = key.symbol or self._symbol, BASE_OF[key.interval]
        rows: list[Bar] = []
        start: str | None = just_after(label)
        while start is not None:
            page = self._bars.bars(
                symbol, base, start, _until(base, last), limit=_PAGE, consistent=True
            )
            rows += [bar for bar in page.rows if not bar.extended]
            start = just_after(page.next_key) if page.next_key is not None else None
        rows = [bar for bar in rows if _label(bar, key) > label]
        return self._folded(key, rows, splits, last)

    def _folded(
        self, key: SeriesKey, rows: list[Bar], splits: Sequence[Split], last: Point
    ) -> list[Bar]:
        state = self._states.get(key.symbol or self._symbol)
        if state is not None and BASE_OF[key.interval] == "1d":
            rows = self._with_running_day(key, state, rows, last)
        if key.symbol:
            splits = state.splits if state is not None else ()
        bars = fold_bars(adjusted_bars(rows, splits), key.interval)
        if not key.symbol or state is None or key.interval in DAYS:
            return bars
        # A minute of another symbol may not be stored yet: it is when the next price arrives.
        length, reached = SECONDS[key.interval], state.last_timestamp
        return [bar for bar in bars if later(bar.start, seconds=length) <= reached]

    def _with_running_day(
        self, key: SeriesKey, state: State, rows: list[Bar], last: Point
    ) -> list[Bar]:
        day = state.day
        if day is None or not day.ticks or (rows and rows[-1].start >= day.start):
            return rows
        if day.start >= _until("1d", last):
            return rows
        self.with_running_day.add(key)
        return [*rows, msgspec.structs.replace(day, closed=True)]


def _label(bar: Bar, key: SeriesKey) -> str:
    return bar.start if BASE_OF[key.interval] == key.interval else label(bar.start, key.interval)


def _until(base: str, point: Point) -> str:
    """Return a start before which all stored bars that may be over at a point begin."""
    if base != "1d":
        return point.end
    return f"{date.fromisoformat(point.date) + _SPAN}T00:00:00.000000Z"
