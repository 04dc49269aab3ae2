"""Keep the desks of rules up to date, tick by tick or bar by bar, for detection and previews."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from chalicelib.domain.alert_bounds import MINUTE
from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.conditions import is_before
from chalicelib.domain.rules import Rule
from chalicelib.domain.splits import Split, adjusted
from chalicelib.domain.ticks import Tick
from chalicelib.domain.watching import RuleState
from chalicelib.domain.when.desk import Desk, Track
from chalicelib.domain.when.needs import SeriesKey, stored_bars
from chalicelib.domain.when.points import DAYS, Point, bar_point, tick_point
from chalicelib.services.bars.when_bars import WhenBars


class Subject(NamedTuple):
    """A symbol whose rules are evaluated, with its time zone and its splits in order."""

    symbol: str
    zone: str | None
    splits: Sequence[Split]


class Desks:
    """Keeps the desk of some rules on one interval up to date."""

    def __init__(
        self,
        bars: WhenBars,
        subject: Subject,
        rules: Sequence[Rule],
        interval: str,
        kept: tuple[Desk, tuple[Split, ...]] | None = None,
    ) -> None:
        """Keep the desk of `rules`. `kept` is an earlier desk of the same rules over the same
        stored bars, with the splits for which it was adjusted."""
        self._bars = bars
        self._subject = subject
        self._rules = rules
        self._interval = interval
        self.desk: Desk | None = None
        self.splits: tuple[Split, ...] = ()
        if kept is not None:
            self.desk, self.splits = kept

    def ready(self, points: Sequence[Point]) -> Iterator[tuple[Desk, Point]]:
        """Yield each of the next points with the desk as of that point. The points are in order."""
        for splits, some in groupby(points, self._known):
            group = list(some)
            desk = self._extended(group, splits) or self._new(group, splits)
            self._bars.forget()
            self.desk, self.splits = desk, splits
            for point in group:
                yield desk, point

    def newest_split(self, point: Point) -> str:
        """Return the date of the newest split for which bars are adjusted at a point. The split may
        be of any symbol. Return an empty text if there is none."""
        splits = [*self._known(point), *self._bars.splits_of_others()]
        return max((split.date for split in splits), default="")

    def _known(self, point: Point) -> tuple[Split, ...]:
        return tuple(split for split in self._subject.splits if split.date <= point.date)

    def _extended(self, points: Sequence[Point], splits: tuple[Split, ...]) -> Desk | None:
        """Update the desk up to the last point and return it. Return None if a new one is
        needed."""
        desk = self.desk
        if desk is None or splits != self.splits or points[0].label <= desk.at:
            return None
        for key, track in sorted(desk.tracks.items(), key=_first_label):
            span = _span(key, points[-1])
            if span and track.read_for == span:
                continue
            track.read_for = span
            if not track.last:
                self._read(key, track, points, desk.needs[key], splits)
                continue
            bars = self._bars.since(key, track.next_label, points[-1], splits)
            if not track.agrees(bars):
                return None
            self._add(key, track, bars, points[-1])
        return desk

    def _new(self, points: Sequence[Point], splits: tuple[Split, ...]) -> Desk:
        desk = Desk(self._rules, self._interval, self._bars.zones(), self._point_of)
        longest = lambda key: stored_bars(key, desk.needs[key] + 1)  # noqa: E731
        keys = sorted(desk.tracks, key=longest, reverse=True)
        between = [key for key in keys if self._may_trade_between(key)]
        for key in keys:
            if key not in between:
                self._read(key, desk.tracks[key], points, desk.needs[key], splits)
        first = desk.first_decided(points[0])
        for key in between:
            self._read(key, desk.tracks[key], (first, points[-1]), desk.needs[key], splits)
        desk.begin(points[0])
        return desk

    def _may_trade_between(self, key: SeriesKey) -> bool:
        """Return whether a series may have more bars between two points than the desk needs of it.
        A series of another symbol may. Minutes or hours may too if the points are days, since a
        symbol may trade round the clock."""
        return bool(key.symbol) or (self._interval in DAYS and key.interval not in DAYS)

    def _point_of(self, bar: Bar) -> Point:
        symbol, zone, _ = self._subject
        return bar_point(self._interval, bar.start, bar.session_date, symbol, zone)

    def _read(
        self,
        key: SeriesKey,
        track: Track,
        points: Sequence[Point],
        count: int,
        splits: tuple[Split, ...],
    ) -> None:
        bars = self._bars.newest(key, points[0], points[-1], count, splits)
        self._add(key, track, bars, points[-1])
        track.begin(points[0])
        track.read_for = _span(key, points[-1])

    def _add(self, key: SeriesKey, track: Track, bars: Sequence[Bar], last: Point) -> None:
        """Add the bars that are over at a point. A later read may complete bars that are still
        open."""
        over = [bar for bar in bars if track.is_due(bar, last)]
        is_final = self._bars.is_final
        open_ = [bar for bar in over if not is_final(key, bar, is_newest=bar is bars[-1])]
        track.add(over, open_)


def _first_label(series: tuple[SeriesKey, Track]) -> tuple[str, str]:
    """Return a sort key of series: the symbol, then the first label to read. The first series of a
    symbol then reads the minutes that the symbol's other series need."""
    key, track = series
    return key.symbol, track.next_label if track.last else ""


def after_split(
    desk: Desk,
    before: Tick,
    point: Point,
    states: Mapping[str, RuleState | None],
    splits: Sequence[Split],
) -> dict[str, str]:
    """Return, by rule id, what rules on ticks remember at a point. Only rules that were last
    evaluated before the newest split are included. `before` is the tick before the point."""
    known = [split for split in splits if split.date <= point.date]
    behind = [
        rule_id
        for rule_id, state in states.items()
        if known and state is not None and is_before(state, known[-1].date)
    ]
    if not behind:
        return {}
    date = place_of(before).date
    price = adjusted(before.price, date, known)
    found = desk.begin_after_split(tick_point(before.timestamp, date), price)
    return {rule_id: found[rule_id] for rule_id in behind}


def _span(key: SeriesKey, point: Point) -> str:
    """Return the name of the time span around a point in which no further bar of a series ends.
    Return an empty text if there is no such span. A series of another symbol has none."""
    if key.symbol or key.interval == point.interval:
        return ""
    if key.interval in DAYS:
        return point.date
    if key.interval == "1m":
        return point.end[:MINUTE]
    return f"{point.end[: MINUTE - 1]}{'0' if point.end[MINUTE - 1] < '5' else '5'}"
