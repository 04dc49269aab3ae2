"""Evaluates rules with `when` at the points of one run of ticks."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.domain.alert_bounds import AlertCount
from chalicelib.domain.alerts import Alert
from chalicelib.domain.conditions import is_before
from chalicelib.domain.detection import State, Watch
from chalicelib.domain.rules import Rule
from chalicelib.domain.splits import adjusted
from chalicelib.domain.watching import (
    Observation,
    RuleState,
    is_first,
    is_followed,
    judge,
    known_to,
    without_alert,
)
from chalicelib.domain.when.alerting import alert_of
from chalicelib.domain.when.desk import Desk
from chalicelib.domain.when.needs import symbols_of
from chalicelib.services.bars.when_desks import Desks, after_split
from chalicelib.services.detect.closings import Closing


class WhenRun:
    """One run of ticks of a symbol. `changed` collects the new states of the rules, and `alerts`
    their alerts."""

    def __init__(self, before: State, after: State, watch: Watch, count: AlertCount) -> None:
        self._symbol = before.symbol
        self._after = after
        self._watch = watch
        self.count = count
        self._before = before.rule_states
        self.changed: dict[str, RuleState] = {}
        self.alerts: list[Alert] = []

    def is_due(self, rules: Sequence[Rule], closing: Closing) -> bool:
        """Return whether any of the rules is to be evaluated at a point."""
        return any(self._is_due(rule, closing) for rule in rules)

    def _is_due(self, rule: Rule, closing: Closing) -> bool:
        state = self._state(rule)
        if not is_followed(rule, state, closing.newest.timestamp):
            return False
        if rule.interval == "tick":
            return True
        known = known_to(rule, state)
        return not closing.was_over if known is None else known.bar < closing.point.label

    def _state(self, rule: Rule) -> RuleState | None:
        return self.changed.get(rule.rule_id) or self._before.get(rule.rule_id)

    def judge(self, rules: Sequence[Rule], desks: Desks, closings: Sequence[Closing]) -> None:
        """Evaluate rules on one interval at the points on this interval, in order."""
        points = [closing.point for closing in closings]
        for (desk, point), closing in zip(desks.ready(points), closings, strict=True):
            if point.interval == "tick":
                memories = self._memories(rules, desk, closing)
                truths = desk.judge(point, closing.tick.price, memories)
            else:
                at_bars = self._memories_at_bars(rules, desks.newest_split(point))
                truths = desk.judge(point, at_bars=at_bars)
            for rule in rules:
                if self._is_due(rule, closing):
                    memory = desk.memory(rule.rule_id) if _remembers(rule) else ""
                    self._judge(rule, desk, closing, truths[rule.rule_id] is True, memory)

    def _memories(self, rules: Sequence[Rule], desk: Desk, closing: Closing) -> dict[str, str]:
        """Return, by rule, what rules on ticks remember of the ticks before a point."""
        states = {rule.rule_id: self._state(rule) for rule in rules}
        known = {rule.rule_id: known_to(rule, states[rule.rule_id]) for rule in rules}
        found = {name: state.memory for name, state in known.items() if state is not None}
        if closing.before is not None:
            splits = self._after.splits
            found |= after_split(desk, closing.before, closing.point, states, splits)
        return found

    def _memories_at_bars(self, rules: Sequence[Rule], split: str) -> dict[str, tuple[str, str]]:
        """Return, by rule, the bar at which it was last evaluated, and what the rule remembers.
        Rules that remember nothing, or were last evaluated before the split, are left out."""
        known = {rule.rule_id: known_to(rule, self._state(rule)) for rule in rules}
        return {
            name: (state.bar, state.memory)
            for name, state in known.items()
            if state is not None and state.memory and not is_before(state, split)
        }

    def _judge(self, rule: Rule, desk: Desk, closing: Closing, holds: bool, memory: str) -> None:
        before = self._state(rule)
        observation = _observation(closing, self._after, holds, desk.held_before(rule.rule_id))
        after, fires = judge(rule, before, observation)
        if fires and rule.interval == "tick" and not is_first(known_to(rule, before), after):
            after, fires = without_alert(rule, before, after), False
        newest = closing.newest
        if fires and not self.count.admits(rule, newest, is_first=is_first(before, after)):
            after, fires = without_alert(rule, before, after), False
        self.changed[rule.rule_id] = msgspec.structs.replace(after, memory=memory)
        if fires:
            reason = self.count.quiet(rule, newest)
            values = desk.shown(rule.rule_id)
            self.alerts.append(
                alert_of(rule, observation, closing.tick, self._watch, reason, values)
            )


def _remembers(rule: Rule) -> bool:
    """Return whether a rule's state stores what its condition remembers of earlier points. Rules on
    ticks need this, since ticks are not read again. Conditions on other symbols need it too: a bar
    of another symbol may be stored only after a decision that lacked it."""
    return rule.interval == "tick" or bool(symbols_of(rule.when or ""))


def _observation(closing: Closing, after: State, holds: bool, held: bool | None) -> Observation:
    tick, point = closing.tick, closing.point
    splits = [split for split in after.splits if split.date <= closing.place.date]
    close = tick.previous_close
    on_ticks = point.interval == "tick"
    return Observation(
        timestamp=tick.timestamp,
        price=adjusted(tick.price, closing.place.date, splits),
        previous_price=None,
        previous_close=adjusted(close, closing.place.date, splits) if close else None,
        session=closing.place.date,
        scope=closing.place.minute if on_ticks else point.label,
        closes=(),
        split=splits[-1].date if splits else "",
        holds=holds,
        held=held,
    )
