"""`interval=auto`: choose the finest interval that gives at most 400 rows over a range.

Only intervals that reach equally far back into the range qualify. Minutes may reach back to
yesterday only, while days reach back several years. A range of a year is then not shown as
yesterday's minutes. If there is only one price a day, days are chosen. Minutes would give as many
rows, with less in each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from chalicelib.domain.bars import STORED, Bar
from chalicelib.domain.folding import BASE_OF, MOST_PARTS, fold_bars
from chalicelib.services.market_data.queries import BAR_INTERVALS, Range

MOST_ROWS = 400

ReadBars = Callable[[str, str | None, int], list[Bar]]
"""A function that is called as `(interval, after, limit)`. It reads stored bars in order of time,
from the range's start or after the key `after`. It reads past the range's end, as far as a bar that
begins in the range may reach."""


class Choice(msgspec.Struct, frozen=True):
    """The chosen interval and all of its bars in the range. `rows` is None if every interval has
    too many."""

    interval: str
    rows: list[Bar] | None


class _Series:
    """The bars of one stored interval. They are read only as far as needed."""

    def __init__(self, base: str, read: ReadBars, selected: Range) -> None:
        self._base, self._read, self._selected = base, read, selected
        self._rows: list[Bar] = []
        self._complete = False

    def _read_up_to(self, count: int) -> None:
        missing = count - len(self._rows)
        if missing > 0 and not self._complete:
            after = self._rows[-1].last_key if self._rows else None
            rows = self._read(self._base, after, missing)
            self._rows += rows
            self._complete = len(rows) < missing

    def session(self) -> str:
        """Return the session of the first bar in the range. If there is none, return an empty
        text."""
        self._read_up_to(1)
        if not self._rows or not self._selected.holds(self._rows[0].start):
            return ""
        return _session(self._rows[0])

    def bars(self, interval: str) -> list[Bar] | None:
        """Return all bars of `interval` in the range; None if there are more than MOST_ROWS."""
        beyond = max(MOST_PARTS[made] for made in _made_from(self._base))
        self._read_up_to((MOST_ROWS + 1) * MOST_PARTS[interval] + beyond)
        if not self._complete:
            return None
        folded = fold_bars(self._rows, interval)
        bars = [bar for bar in folded if self._selected.holds(bar.key)]
        return bars if len(bars) <= MOST_ROWS else None


def choose(read: ReadBars, selected: Range) -> Choice:
    """Return the finest interval with few enough bars. If none has, return the coarsest that
    reaches back.

    Reads the first bar of each stored interval, then as many bars of the finest one as necessary.
    Minutes are folded only if the next coarser stored interval, hours or days, has few enough bars.
    """
    series = {base: _Series(base, read, selected) for base in STORED}
    reaching = _reaching_back(series)
    if not reaching:
        return Choice(BAR_INTERVALS[0], [])
    for base, interval in _candidates(reaching, series):
        bars = series[base].bars(interval)
        if bars is not None:
            days = series["1d"].bars("1d") if "1d" in reaching and _one_a_day(bars) else None
            same = days is not None and len(days) == len(bars)
            return Choice("1d", days) if same else Choice(interval, bars)
    return Choice(_made_from(reaching[-1])[-1], None)


def _reaching_back(series: dict[str, _Series]) -> list[str]:
    """Return the stored intervals whose first bar in the range is in the earliest session."""
    sessions = {base: one.session() for base, one in series.items() if one.session()}
    return [base for base in sessions if sessions[base] == min(sessions.values())]


def _candidates(reaching: list[str], series: dict[str, _Series]) -> Iterator[tuple[str, str]]:
    """Yield pairs of a stored interval and an interval made from it, finest first. If the next
    coarser stored interval has too many bars, only the stored interval itself is yielded."""
    for base, coarser in zip(reaching, [*reaching[1:], ""], strict=True):
        yield base, base
        if not coarser or series[coarser].bars(coarser) is not None:
            for interval in _made_from(base)[1:]:
                yield base, interval


def _one_a_day(bars: list[Bar]) -> bool:
    return 1 < len(bars) == len({_session(bar) for bar in bars})


def _session(bar: Bar) -> str:
    return bar.session_date or bar.start[:10]


def _made_from(base: str) -> list[str]:
    return [interval for interval in BAR_INTERVALS if BASE_OF[interval] == base]
