"""`interval=auto`: the finest bar that gives at most 400 rows over a range.

Only an interval that reaches as far back into the range as the others is taken: where there are
years of days but minutes since yesterday alone, a year is not shown as yesterday's minutes. And
where there is but one price a day, minutes would show no more rows than days do, and less of
each: then it is days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from chalicelib.domain.bars import STORED, Bar
from chalicelib.domain.folding import BASE_OF, MOST_PARTS, fold_bars
from chalicelib.services.queries import BAR_INTERVALS

MOST_ROWS = 400

ReadBars = Callable[[str, int], list[Bar]]
"""The first bars of a stored interval in the range, in the order of time: `(interval, limit)`."""


class Choice(msgspec.Struct, frozen=True):
    """An interval. `rows` are all its bars in the range where these are known: not where they
    are folded (the last one's parts may lie beyond the range) or too many."""

    interval: str
    rows: list[Bar] | None


class _Series:
    """The bars of one stored interval, read as far as they were needed."""

    def __init__(self, base: str, read: ReadBars, start: str | None) -> None:
        self._base, self._read, self._start = base, read, start
        self._asked = 0
        self._rows: list[Bar] = []

    def first(self, count: int) -> list[Bar]:
        """The first `count` bars of the range, or all where there are fewer."""
        complete = len(self._rows) < self._asked
        if count > self._asked and not complete:
            self._rows, self._asked = self._read(self._base, count), count
        return self._rows

    def session(self) -> str:
        """The session of the first bar; empty where there is none."""
        rows = self.first(MOST_ROWS + 1)
        return (rows[0].session_date or rows[0].start[:10]) if rows else ""

    def count(self, interval: str) -> int:
        """How many bars of `interval` have their label in the range; above MOST_ROWS not exact."""
        enough = (MOST_ROWS + 1) * MOST_PARTS[interval]
        rows = self.first(enough)
        if len(rows) >= enough:
            return MOST_ROWS + 1
        labels = (bar.start for bar in fold_bars(rows, interval))
        return sum(self._start is None or label >= self._start for label in labels)


def choose(read: ReadBars, start: str | None) -> Choice:
    """The finest fitting interval; the coarsest of those that reach back if none fits.
    `start` is the range's.

    Reads one page of each stored interval first; more of the minutes (or days) only where hours
    (or days) leave it open whether 5m to 30m (or weeks) fit.
    """
    series = {base: _Series(base, read, start) for base in STORED}
    reaching = _reaching_back(series)
    if not reaching:
        return Choice(BAR_INTERVALS[0], [])
    for base, interval in _candidates(reaching, series):
        count = series[base].count(interval)
        if count <= MOST_ROWS:
            days = series["1d"].first(MOST_ROWS + 1) if "1d" in reaching else []
            if 1 < count == len(days):
                return Choice("1d", days)
            rows = series[base].first(MOST_ROWS + 1) if base == interval else None
            return Choice(interval, rows)
    return Choice(_made_from(reaching[-1])[-1], None)


def _reaching_back(series: dict[str, _Series]) -> list[str]:
    """Stored intervals whose first bar is of the first session that any of them has."""
    sessions = {base: one.session() for base, one in series.items() if one.session()}
    return [base for base in sessions if sessions[base] == min(sessions.values())]


def _candidates(reaching: list[str], series: dict[str, _Series]) -> Iterator[tuple[str, str]]:
    """Intervals with their bases, finest first; without those that must have too many bars
    because a coarser stored interval has."""
    for base, coarser in zip(reaching, [*reaching[1:], ""], strict=True):
        yield base, base
        if not coarser or len(series[coarser].first(MOST_ROWS + 1)) <= MOST_ROWS:
            for interval in _made_from(base)[1:]:
                yield base, interval


def _made_from(base: str) -> list[str]:
    return [interval for interval in BAR_INTERVALS if BASE_OF[interval] == base]
