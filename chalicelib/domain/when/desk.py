"""The values of a symbol's rules on one interval, kept up to date bar by bar."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import takewhile
from operator import itemgetter
from types import MappingProxyType
from typing import TypeVar

from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import Rule
from chalicelib.domain.times import just_after
from chalicelib.domain.when.costs import is_cheap, numbers_of
from chalicelib.domain.when.leaf_values import LeafValue, leaf_value
from chalicelib.domain.when.needs import (
    SeriesKey,
    horizon_of,
    leaf_needs,
    most_of,
    needs_of,
    stored_bars,
)
from chalicelib.domain.when.nodes import Leaf, leaves_of
from chalicelib.domain.when.points import Due, Point
from chalicelib.domain.when.reading import tree_of
from chalicelib.domain.when.truth import Decider, Truth

PRICE = Leaf("close")
"""The close of a bar; on ticks, the tick's price."""

_MORE = 1
"""A value begins this many bars before those that it needs. One point more is decided than
conditions look back to, which a split needs."""

NO_MEMORIES: Mapping[str, tuple[str, str]] = MappingProxyType({})

_Key = TypeVar("_Key")
_Later = tuple[str, Leaf, LeafValue]
"""A value that begins later: the label of its first bar, its leaf, and the value."""


class Track:
    """The values of one series. Each bar waits until it is over and then changes the values."""

    def __init__(self, due: Due, leaves: Mapping[Leaf, int]) -> None:
        """`leaves` has for each value the number of bars that it takes."""
        self._due = due
        self._leaves = [(leaf, leaf_value(leaf)) for leaf in leaves]
        self._later: list[_Later] = []
        self._needed = leaves
        self._waiting: deque[Bar] = deque()
        self._open: Sequence[Bar] = ()
        self.last = ""
        """The label of the newest bar given."""
        self.read_for = ""
        """The time span for which bars were read last."""

    def is_due(self, bar: Bar, point: Point) -> bool:
        """Return whether a bar is over at this point."""
        return self._due(bar, point)

    def before(self, label: str) -> list[Bar]:
        """Return the waiting bars that begin before a label."""
        return list(takewhile(lambda bar: bar.start < label, self._waiting))

    def add(self, bars: Iterable[Bar], may_change: Sequence[Bar] = ()) -> None:
        """Add bars in order, skipping those up to `last`. `may_change` has those of them that
        further prices may change."""
        for bar in bars:
            if bar.start > self.last:
                self._waiting.append(bar)
                self.last = bar.start
        self._open = may_change

    @property
    def next_label(self) -> str:
        """Return the label from which bars have to be read next. This is the label of the first bar
        that may have changed, or else the instant just after the last bar."""
        return self._open[0].start if self._open else just_after(self.last)

    def agrees(self, bars: Sequence[Bar]) -> bool:
        """Return whether bars that might have changed are unchanged in `bars`, which were read from
        `next_label` on."""
        before = [_values(bar) for bar in self._open]
        return before == [_values(bar) for bar in bars[: len(before)]]

    def begin(self, first: Point) -> None:
        """Skip the bars that a value does not need before the first point. A value with a short
        window thus does not take all the bars that another value of the series needs."""
        bars = list(self._waiting)
        over = bisect_left(bars, True, key=lambda bar: not self._due(bar, first))
        begins = [(over - self._needed[leaf] - _MORE, leaf, value) for leaf, value in self._leaves]
        self._leaves = [(leaf, value) for skipped, leaf, value in begins if skipped <= 0]
        later = [
            (bars[skipped].start, leaf, value) for skipped, leaf, value in begins if skipped > 0
        ]
        self._later = sorted(later, key=itemgetter(0), reverse=True)

    def advance(self, point: Point, values: dict[Leaf, Decimal | None]) -> None:
        """Take the bars that are over at a point, and put the new values into `values`."""
        while self._waiting and self._due(self._waiting[0], point):
            used = self._waiting.popleft()
            while self._later and self._later[-1][0] <= used.start:
                self._leaves.append(self._later.pop()[1:])
            for leaf, value in self._leaves:
                values[leaf] = value(used)


def _values(bar: Bar) -> tuple[object, ...]:
    return bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.session_date


class Desk:
    """The values and conditions of one symbol's rules on one interval, or on ticks.

    `zones` has the time zone of each other symbol, as the symbol's ticks name it. `point_of`
    returns the point at the close of a bar.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        interval: str,
        zones: Mapping[str, str | None],
        point_of: Callable[[Bar], Point],
    ) -> None:
        self.rules = {rule.rule_id: rule.fingerprint for rule in rules}
        self._interval = interval
        trees = {rule.rule_id: tree_of(rule.when or "") for rule in rules}
        self._leaves = {name: leaves_of(tree) for name, tree in trees.items()}
        self._deciders = {name: Decider(tree) for name, tree in trees.items()}
        self.needs = _joined(needs_of(tree, interval) for tree in trees.values())
        self._horizons = {name: horizon_of(tree) for name, tree in trees.items()}
        self._held: dict[str, Truth] = {}
        self._decided: dict[str, Truth] = {}
        self.values: dict[Leaf, Decimal | None] = {}
        needed = _joined(leaf_needs(tree, interval) for tree in trees.values())
        self.tracks = {
            key: Track(Due(key.symbol, key.interval, zones.get(key.symbol)), self._of(key, needed))
            for key in self.needs
        }
        self.numbers = numbers_of({leaf for leaves in self._leaves.values() for leaf in leaves})
        """About how many numbers the desk holds."""
        needed_bars = sum(stored_bars(key, bars) for key, bars in self.needs.items())
        self.is_cheap = is_cheap(needed_bars, sum(needed.values()))
        """Whether its values are cheap to make again."""
        self._own = self.tracks.get(SeriesKey("", interval))
        self._point_of = point_of
        self.at = ""
        """The label of the newest point."""

    def _of(self, key: SeriesKey, needed: Mapping[Leaf, int]) -> dict[Leaf, int]:
        """Return the values of one series, each with the number of bars that it takes."""
        return {
            leaf: bars
            for leaf, bars in needed.items()
            if key == SeriesKey(leaf.symbol, leaf.interval or self._interval)
        }

    def begin(self, first: Point) -> None:
        """Take the bars before the first point to be judged. The last bar is left for that point,
        and so are the bars at whose points conditions look back."""
        before, decided = self._bars_before(first)
        if len(before) > decided:
            self._advance(self._point_of(before[-decided - 1]))

    def first_decided(self, first: Point) -> Point:
        """Return the earliest point at which conditions look back from the first point to be
        judged."""
        before, decided = self._bars_before(first)
        return self._point_of(before[-decided:][0]) if before else first

    def _bars_before(self, first: Point) -> tuple[list[Bar], int]:
        """Return the bars before a point, and how many of them at the end are decided: the last
        bar, and the bars at whose points conditions look back."""
        before = list(self._own.before(first.label)) if self._own else []
        return before, 1 + max(self._horizons.values(), default=0)

    def begin_after_split(self, before: Point, price: Decimal) -> dict[str, str]:
        """Return by rule what the rules on ticks remember at the last tick before a split: its
        price and the bars, all adjusted, as if these had not changed for as long as they look
        back."""
        self._advance(before)
        self.values[PRICE] = price
        for name, decide in self._deciders.items():
            decide.memory = ""
            for _ in range(1 + self._horizons[name]):
                self._held[name] = decide(self.values)
        return {name: decide.memory for name, decide in self._deciders.items()}

    def judge(
        self,
        point: Point,
        price: Decimal | None = None,
        memories: Mapping[str, str] | None = None,
        at_bars: Mapping[str, tuple[str, str]] = NO_MEMORIES,
    ) -> dict[str, Truth]:
        """Return by rule whether its condition holds at the next point.

        `price` is the price of a tick, and `memories` has by rule what rules on ticks remember;
        rules without a memory begin. `at_bars` has, for rules on bars, the label of a bar and what
        the rule remembered after it.
        """
        self._pass_bars_before(point, at_bars)
        self._advance(point)
        if self._interval == "tick":
            self.values[PRICE] = price
        else:
            self._held = self._decided
        found = {}
        for name, decide in self._deciders.items():
            if memories is not None:
                decide.memory = memories.get(name, "")
            found[name] = decide(self.values)
        self._decided = found
        return found

    def _pass_bars_before(self, point: Point, at_bars: Mapping[str, tuple[str, str]]) -> None:
        """Take the bars before a point that are not judged here, since another container judged
        them or they came as history."""
        for bar in self._own.before(point.label) if self._own else ():
            self._advance(self._point_of(bar))
            self._decided = {name: decide(self.values) for name, decide in self._deciders.items()}
            for name, (label, memory) in at_bars.items():
                if label == bar.start:
                    self._deciders[name].memory = memory

    def memory(self, rule_id: str) -> str:
        """Return what a rule remembers of all points up to the last one."""
        return self._deciders[rule_id].memory

    def held_before(self, rule_id: str) -> bool | None:
        """Return whether a rule's condition was true at the point before; None if there is no such
        point. On ticks, this is the last point before a split."""
        return self._held[rule_id] is True if rule_id in self._held else None

    def shown(self, rule_id: str) -> dict[Leaf, Decimal]:
        """Return the known values that a rule's condition names, at the last point."""
        known = ((leaf, self.values.get(leaf)) for leaf in self._leaves[rule_id])
        return {leaf: value for leaf, value in known if value is not None}

    def _advance(self, point: Point) -> None:
        for track in self.tracks.values():
            track.advance(point, self.values)
        self.at = point.label


def _joined(needs: Iterable[Mapping[_Key, int]]) -> dict[_Key, int]:
    return most_of(pair for one in needs for pair in one.items())
