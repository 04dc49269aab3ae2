"""Judges one rule at one price: whether its condition holds, and whether it may fire again.

A `RuleState` is what a rule remembers between prices. A changed rule starts with a new RuleState.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from chalicelib.domain.alert_bounds import MINUTE
from chalicelib.domain.conditions import enter, held_before
from chalicelib.domain.rules import CROSSES, Rule
from chalicelib.domain.signals import average_side
from chalicelib.domain.times import from_text


class RuleState(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What a rule remembers between prices.

    side: the last non-zero sign of its averages; inside: whether its condition held at the last
    price; session: that price's session date; fired_at: when it last fired; fired_scope: the bar or
    session of that alert, if the trigger needs it; bar: the last bar at which a rule on bars was
    judged; memory: what a condition `when` on ticks, or over other symbols, remembers of the points
    before.
    """

    fingerprint: str
    side: int = 0
    inside: bool = False
    session: str = ""
    fired_at: str = ""
    fired_scope: str = ""
    bar: str = ""
    memory: str = ""


class Observation(msgspec.Struct, frozen=True):
    """One price on which rules are judged: a tick, or the close of a bar.

    `closes` are the prices up to and including this one, newest last. `scope` is the bar for
    once_per_bar, `session` the session's date. `split` is the date of the last split, or empty; all
    prices are adjusted for it. `holds` says whether a condition `when` is true at this price.
    `held` says whether it was true at the point before, with adjusted values; None without one.
    """

    timestamp: str
    price: Decimal
    previous_price: Decimal | None
    previous_close: Decimal | None
    session: str
    scope: str
    closes: Sequence[Decimal]
    split: str = ""
    holds: bool = False
    held: bool | None = None


def is_followed(rule: Rule, rule_state: RuleState | None, timestamp: str) -> bool:
    """Return whether a rule is judged at an instant of market time.

    A disabled rule keeps following prices without firing, so that earlier changes do not fire when
    it is enabled again.
    """
    if rule.enabled or known_to(rule, rule_state) is not None:
        return not rule.has_expired(timestamp)
    return False


def known_to(rule: Rule, rule_state: RuleState | None) -> RuleState | None:
    """Return the rule's state if this version of the rule wrote it; else None."""
    return rule_state if rule_state and rule_state.fingerprint == rule.fingerprint else None


def judge(
    rule: Rule, rule_state: RuleState | None, observation: Observation
) -> tuple[RuleState, bool]:
    """Return the rule's state after `observation`, and whether the rule fires."""
    before = known_to(rule, rule_state) or _initial(rule, observation)
    if rule.interval != "tick":
        if before.bar == observation.scope:
            return before, False
        before = msgspec.structs.replace(before, bar=observation.scope)
    if rule.condition in CROSSES:
        side, entered = _cross(rule, before, observation)
        after = msgspec.structs.replace(before, side=side)
    else:
        inside, entered = enter(rule, before, observation)
        after = msgspec.structs.replace(before, inside=inside, session=observation.session)
    if not (entered and rule.enabled and _may_fire(rule, before, observation)):
        return after, False
    scope = _scope(rule, observation)
    return msgspec.structs.replace(after, fired_at=observation.timestamp, fired_scope=scope), True


def in_force(rule: Rule, previous_price: Decimal | None, held: bool | None) -> RuleState | None:
    """Return the state of a rule as if it had been judged on the price before. The rule then does
    not fire only because its condition still holds. None for crosses of averages, which look back
    at earlier prices anyway."""
    if rule.condition in CROSSES:
        return None
    return RuleState(rule.fingerprint, inside=held_before(rule, previous_price, held))


def as_fired(rule: Rule, after: RuleState) -> Rule:
    """Return the rule with the condition that its alert names. An `average_cross` becomes the
    golden or death cross that led to the state `after`."""
    if rule.condition != "average_cross":
        return rule
    condition = "golden_cross" if after.side > 0 else "death_cross"
    return msgspec.structs.replace(rule, condition=condition)


def without_alert(rule: Rule, before: RuleState | None, after: RuleState) -> RuleState:
    """Return the rule's state after a price whose alert was dropped. The rule may then fire again
    as if it had not fired at that price."""
    known = known_to(rule, before) or RuleState(rule.fingerprint)
    return msgspec.structs.replace(after, fired_at=known.fired_at, fired_scope=known.fired_scope)


def is_first(before: RuleState | None, after: RuleState) -> bool:
    """Return whether `after` has the rule's first alert of this symbol in its minute."""
    return before is None or before.fired_at[:MINUTE] != after.fired_at[:MINUTE]


def _initial(rule: Rule, observation: Observation) -> RuleState:
    """Return the state of a new rule. Earlier prices decide on which side its averages begin."""
    side = 0
    if rule.condition in CROSSES:
        earlier = observation.closes[:-1][-rule.closes_to_begin :]
        while not side and len(earlier) >= (rule.slow or 0):
            side = average_side(earlier, rule.fast or 0, rule.slow or 0) or 0
            earlier = earlier[:-1]
    return RuleState(rule.fingerprint, side=side)


def _cross(rule: Rule, before: RuleState, observation: Observation) -> tuple[int, bool]:
    """Return the side of the averages after this price, and whether they have just crossed to a
    side that the rule watches."""
    side = average_side(observation.closes, rule.fast or 0, rule.slow or 0)
    if not side:
        return before.side, False
    wanted = {"golden_cross": 1, "death_cross": -1}.get(rule.condition, side)
    return side, before.side == -wanted and side == wanted


def _scope(rule: Rule, observation: Observation) -> str:
    """Return the bar or session in which the trigger allows one alert; empty for other triggers."""
    if rule.trigger == "once_per_session":
        return observation.session
    return observation.scope if rule.trigger == "once_per_bar" else ""


def _may_fire(rule: Rule, before: RuleState, observation: Observation) -> bool:
    """Return whether the rule's trigger and cooldown allow another alert."""
    if not before.fired_at:
        return True
    if rule.trigger == "once":
        return False
    if rule.trigger == "once_per_bar" and before.fired_scope == observation.scope:
        return False
    if rule.trigger == "once_per_session" and before.fired_scope == observation.session:
        return False
    if rule.cooldown_seconds:
        since = from_text(observation.timestamp) - from_text(before.fired_at)
        return since.total_seconds() >= rule.cooldown_seconds
    return True
