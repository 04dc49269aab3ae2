"""The conditions of rules: when each condition holds, and what its alert says.

`domain/rules.py` has the conditions' names and the fields that they need. `domain/watching.py`
judges crosses of averages, and decides whether a rule may fire.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from chalicelib.domain.messages import plain, signed
from chalicelib.domain.rules import LEVELS, Rule
from chalicelib.domain.signals import crosses_down, crosses_up, moved_more_than
from chalicelib.domain.ticks import Tick

if TYPE_CHECKING:
    from chalicelib.domain.watching import Observation, RuleState


def enter(rule: Rule, before: RuleState, observation: Observation) -> tuple[bool, bool]:
    """Return whether the rule's condition holds now, and whether it has just begun to hold."""
    now = _holds(rule, observation)
    if rule.condition in LEVELS:
        return now, now and not _was_inside(rule, before, observation)
    if rule.condition == "when":
        return now, now and not _held(before, observation)
    if rule.condition == "moving_percent":
        return now, now and not before.inside
    if rule.condition == "change_percent":  # each session has its own close
        was_inside = before.inside and before.session == observation.session
        return now, now and not was_inside
    return now, now


def _was_inside(rule: Rule, before: RuleState, observation: Observation) -> bool:
    """Return whether a level held at the previous price, adjusted for any split since then."""
    if is_before(before, observation.split) and observation.previous_price is not None:
        return _holds_level(rule, observation.previous_price)
    return before.inside


def _held(before: RuleState, observation: Observation) -> bool:
    """Return whether `when` held at the point before, with values adjusted for any split."""
    if is_before(before, observation.split) and observation.held is not None:
        return observation.held
    return before.inside


def held_before(rule: Rule, previous_price: Decimal | None, held: bool | None) -> bool:
    """Return whether a rule's condition held at the price before.

    A level is compared with `previous_price`, and `when` is answered by `held`. None counts as true
    for either of them. For all other conditions the result is False.
    """
    if rule.condition == "when":
        return held is not False
    if rule.condition in LEVELS:
        return previous_price is None or _holds_level(rule, previous_price)
    return False


def is_before(rule_state: RuleState, split: str) -> bool:
    """Return whether a rule was last judged before the date `split`."""
    return bool(rule_state.session) and rule_state.session < split


def _holds_level(rule: Rule, price: Decimal) -> bool:
    value = rule.value or Decimal(0)
    return price > value if rule.condition == "greater_than" else price < value


def _holds(rule: Rule, observation: Observation) -> bool:
    price, value = observation.price, rule.value or Decimal(0)
    match rule.condition:
        case "greater_than" | "less_than":
            return _holds_level(rule, price)
        case "crossing_up":
            return crosses_up(observation.previous_price, price, value)
        case "crossing_down":
            return crosses_down(observation.previous_price, price, value)
        case "crossing":
            previous = observation.previous_price
            return crosses_up(previous, price, value) or crosses_down(previous, price, value)
        case "change_percent":
            return moved_more_than(price, observation.previous_close, value)
        case "moving_percent":
            needed = rule.closes_needed
            start = observation.closes[-needed] if len(observation.closes) >= needed else None
            return moved_more_than(price, start, value)
        case "when":
            return observation.holds
        case _:
            return True


def describe(rule: Rule, tick: Tick, values: dict[str, Decimal]) -> str:
    """Return what happened in one clause: `AAPL golden cross: SMA-5 rose above SMA-20 at
    189.84`."""
    at = f"at {plain(tick.price)}"
    level = plain(rule.value) if rule.value is not None else ""
    match rule.condition:
        case "golden_cross":
            said = f"golden cross: SMA-{rule.fast} rose above SMA-{rule.slow}{_on(rule)} {at}"
        case "death_cross":
            said = f"death cross: SMA-{rule.fast} fell below SMA-{rule.slow}{_on(rule)} {at}"
        case "change_percent":
            moved = signed(values.get("change_percent"))
            said = f"moved {moved}% against the previous close, {at}"
        case "moving_percent":
            moved = signed(values.get("moved_percent"))
            said = f"moved {moved}% within {rule.window} {_bars(rule)}, {at}"
        case "greater_than" | "less_than" | "crossing_up" | "crossing_down" | "crossing":
            said = f"{_SAID[rule.condition]} {level}, {at}"
        case "when":
            said = f"{_short(rule.when or '')}{_on(rule)}, {at}"
        case _:
            said = f"new price {plain(tick.price)}"
    return f"{tick.symbol} {said}"


_SAID = {
    "greater_than": "is above",
    "less_than": "is below",
    "crossing_up": "crossed above",
    "crossing_down": "crossed below",
    "crossing": "crossed",
}

_LONGEST = 160
"""The most characters of a condition in a message."""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _on(rule: Rule) -> str:
    return "" if rule.interval == "tick" else f" on {rule.interval} bars"


def _bars(rule: Rule) -> str:
    return "ticks" if rule.interval == "tick" else f"bars of {rule.interval}"
