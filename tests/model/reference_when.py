"""Which alerts rules with `when` must have recorded, by the slow interpreter of `tests/oracles`.

For a symbol whose ticks came in order and were not corrected, since conditions are judged on the
bars that were stored at each step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.domain.when.reading import tree_of
from tests.model import reference
from tests.model.reference import Row
from tests.model.reference_alerts import (
    Closed,
    Fired,
    Memory,
    Point,
    Step,
    closings,
    fired,
    may_tell,
    version_of,
)
from tests.oracles.when_model import At, Model

INTERVALS = ("1m", "5m", "1h", "1d")


def alerts_when(steps: Sequence[Step], history: Sequence[Row]) -> list[Fired]:
    """Return all alerts of rules with `when`; `history` are days from before the ticks."""
    world = _World([tick for step in steps for tick in step.ticks], history)
    memories: dict[str, _Memory] = {}
    found: list[Fired] = []
    for step in steps:
        rules = [rule for rule in step.rules if rule.when is not None]
        memories = {rule.rule_id: memories[rule.rule_id] for rule in rules
                    if rule.rule_id in memories}  # fmt: skip
        for tick in step.ticks:
            for rule in rules:
                at = world.point(rule, tick)
                if at is not None and _fires(rule, memories, at, world):
                    found.append(fired(rule, at.tick, tick, step.now))
    return sorted(found)


class _Memory(Memory):
    """Also the ticks that a rule on ticks has seen."""

    ticks: list[At] = msgspec.field(default_factory=list)


class _World:
    """The ticks of a symbol and all bars that come of them."""

    def __init__(self, ticks: Sequence[Tick], history: Sequence[Row]) -> None:
        self._ticks = ticks
        self._history = history
        self._closings: dict[str, Mapping[str, Closed]] = {}

    @cached_property
    def bars(self) -> dict[tuple[str, str], list[Bar]]:
        """The regular bars by series."""
        return {
            ("", name): [
                _bar(row, name)
                for row in reference.bars(self._ticks, name, self._history)
                if not row.extended
            ]
            for name in INTERVALS
        }

    @cached_property
    def _days(self) -> dict[str, str]:
        return {one.tick.timestamp: str(one.day) for one in reference.prints(self._ticks)}

    def at(self, tick: Tick) -> At:
        """Return the point of a tick."""
        return At(tick.timestamp, self._days[tick.timestamp], tick.price)

    def point(self, rule: Rule, tick: Tick) -> Point | None:
        """Return the point at which a rule is judged when this tick comes, if there is one."""
        if rule.interval == "tick":
            return Point(tick, [tick.price], None, tick.timestamp[:16], self._days[tick.timestamp])
        if rule.interval not in self._closings:
            self._closings[rule.interval] = closings(self._ticks, rule.interval, self._history)
        closed = self._closings[rule.interval].get(tick.timestamp)
        if closed is None:
            return None
        return Point(closed.last, closed.closes, None, closed.row.start, closed.row.day)

    def holds(self, rule: Rule, memory: _Memory, point: Point) -> bool:
        """Return whether a condition is true at a point."""
        if rule.interval == "tick":
            memory.ticks.append(self.at(point.tick))
            points = memory.ticks
        else:
            label = to_text(point.scope)  # type: ignore[arg-type]  # the start of the bar
            known = self.bars["", rule.interval]
            points = [At(b.start, b.session_date, b.close) for b in known if b.start <= label]
        model = Model(rule.interval, points, self.bars)
        return model.truth(tree_of(rule.when or ""), len(points) - 1) is True


def _fires(rule: Rule, memories: dict[str, _Memory], point: Point, world: _World) -> bool:
    memory = memories.get(rule.rule_id)
    if memory is None or memory.version != version_of(rule):
        if not rule.enabled:
            return False
        memory = memories[rule.rule_id] = _Memory(version_of(rule))
    holds = world.holds(rule, memory, point)
    entered, memory.inside = holds and not memory.inside, holds
    at = reference.instant_of(point.tick.timestamp)
    if not (entered and rule.enabled and may_tell(rule, memory, at, point)):
        return False
    if rule.interval == "tick" and _minutes(memory.alerts)[-1:] == [point.scope]:
        return False
    memory.alerts.append((at, point.scope, point.session))
    return True


def _minutes(alerts: Iterable[tuple[object, object, object]]) -> list[object]:
    return [scope for _, scope, _ in alerts]


def _bar(row: Row, interval: str) -> Bar:
    return Bar(
        symbol="",
        interval=interval,
        start=to_text(row.start),
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
        session_date=str(row.day),
    )


def without_when(steps: Iterable[Step]) -> list[Step]:
    """Return the steps with the other rules only."""
    return [step._replace(rules=tuple(r for r in step.rules if r.when is None)) for step in steps]
