"""Checks the values of a stored state. Their types are right, but others may have written them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import State
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import is_instant
from chalicelib.domain.watching import RuleState

_MOST_DIGITS = 40
"""More digits before the decimal point, or zeros after it, than any number that detect writes."""


def check(state: State) -> None:
    """Raise ValueError for a time, date or number that detect never writes."""
    for tick in (state.last, state.mark):
        if tick is not None:
            _check_tick(tick)
    for bar in (state.minute, state.beside, state.day):
        if bar is not None:
            _check_bar(bar)
    for rule_state in state.rule_states.values():
        _check_rule_state(rule_state)
    for alert in state.pending:
        _check_alert(alert)
    for split in state.splits:
        date.fromisoformat(split.date)
        if split.numerator < 1 or split.denominator < 1:
            raise ValueError(f"{split} cannot be applied")
    _check_numbers(state.closes)
    _check_numbers(split.before for split in state.splits)
    _check_numbers([state.opening.before if state.opening else None])


def _check_tick(tick: Tick) -> None:
    _check_instant(tick.timestamp)
    figures = (tick.price, tick.open, tick.high, tick.low, tick.previous_close, tick.volume)
    _check_numbers(figures)


def _check_bar(bar: Bar) -> None:
    _check_instant(bar.start)
    _check_date(bar.session_date)
    _check_numbers((bar.open, bar.high, bar.low, bar.close, bar.volume))


def _check_rule_state(rule_state: RuleState) -> None:
    _check_date(rule_state.session)
    for text in (rule_state.fired_at, rule_state.bar):
        if text:
            _check_instant(text)


def _check_alert(alert: Alert) -> None:
    _check_instant(alert.timestamp)
    _check_numbers((alert.price, *alert.values.values()))


def _check_instant(text: str) -> None:
    if not is_instant(text):
        raise ValueError(f"{text!r:.80} has not the form of a stored timestamp")


def _check_date(text: str) -> None:
    if text:
        date.fromisoformat(text)


def _check_numbers(numbers: Iterable[Decimal | None]) -> None:
    for number in numbers:
        if number is not None and not (
            number.is_finite() and -_MOST_DIGITS < number.adjusted() < _MOST_DIGITS
        ):
            raise ValueError(f"{number!r} is beyond all stored numbers"[:100])
