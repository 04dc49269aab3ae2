"""Which alerts must be recorded, said from docs/alerts.md with exact fractions.

What was known when decides: an alert is about the ticks in the order in which detection moved on,
and about the rules that were in force at that step. Both are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import msgspec

from chalicelib.domain.rules import Rule
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from tests.model import reference
from tests.model.reference import Print, Row

CROSSES = ("golden_cross", "death_cross", "average_cross")
QUIET_AFTER = timedelta(minutes=15)


class Step(NamedTuple):
    """Ticks by which detection of a symbol moved on, the rules in force, and the clock.

    `before` is the price of the tick before them, which may have been corrected since.
    """

    ticks: tuple[Tick, ...]
    rules: tuple[Rule, ...]
    now: datetime
    before: Decimal | None


class Fired(NamedTuple):
    """An alert: when (the tick's time), which rule, at what price, and whether it is sent."""

    timestamp: str
    rule_id: str
    price: Decimal
    loud: bool


class Point(NamedTuple):
    """One price as a rule sees it: a tick's, or a regular bar's close.

    `prices` end with its own, `before` is the one before it; `scope` is the bar that once_per_bar
    counts.
    """

    tick: Tick
    prices: Sequence[Decimal]
    before: Decimal | None
    scope: object
    session: object


class Memory(msgspec.Struct):
    """What a version of a rule has seen so far."""

    version: Rule
    inside: bool = False
    session: object = None
    side: int | None = None
    alerts: list[tuple[datetime, object, object]] = []


def version_of(rule: Rule) -> Rule:
    """Return the fields of the rule whose change restarts it."""
    return msgspec.structs.replace(rule, enabled=True, notify=True)


def alerts_on_ticks(steps: Iterable[Step], shown: int) -> list[Fired]:
    """All alerts of rules on ticks, in order; `shown` is the longer of the averages on display.

    As many prices are kept as the rules of the last step and the averages on display need.
    """
    memories: dict[str, Memory] = {}
    known: list[Decimal] = []
    found: list[Fired] = []
    for step in steps:
        kept = {rule.rule_id for rule in step.rules}
        memories = {name: memory for name, memory in memories.items() if name in kept}
        depth = max([shown, *(_needed(rule) for rule in step.rules if rule.interval == "tick")])
        before = step.before
        for one in reference.prints(step.ticks):
            known = [*known, one.tick.price]
            point = Point(one.tick, known, before, one.minute, one.day)
            before = one.tick.price
            found += [
                fired(rule, one.tick, one.tick, step.now)
                for rule in step.rules
                if rule.interval == "tick" and _fires(rule, memories, point)
            ]
        known = known[-depth:]
    return sorted(found)


def _needed(rule: Rule) -> int:
    if rule.condition in CROSSES:
        return rule.slow or 0
    return (rule.window or 0) + 1


def _fires(rule: Rule, memories: dict[str, Memory], point: Point) -> bool:
    """Judge a price; the rule's memory follows."""
    memory = memories.get(rule.rule_id)
    if memory is None or memory.version != version_of(rule):
        if not rule.enabled:
            return False
        memory = memories[rule.rule_id] = Memory(version_of(rule))
    entered = _entered(rule, memory, point)
    active = rule.enabled and (rule.expires_at is None or point.tick.timestamp < rule.expires_at)
    at = reference.instant_of(point.tick.timestamp)
    if not (entered and active and may_tell(rule, memory, at, point)):
        return False
    memory.alerts.append((at, point.scope, point.session))
    return True


def may_tell(rule: Rule, memory: Memory, at: datetime, point: Point) -> bool:
    """Return whether the trigger and the cooldown allow an alert."""
    if not memory.alerts:
        return True
    last, scope, session = memory.alerts[-1]
    if at - last < timedelta(seconds=rule.cooldown_seconds):
        return False
    return {
        "once": False,
        "every_time": True,
        "once_per_bar": scope != point.scope,
        "once_per_session": session != point.session,
    }[rule.trigger]


def _entered(rule: Rule, memory: Memory, point: Point) -> bool:
    """Return whether the condition begins to hold with this price."""
    if rule.condition in CROSSES:
        return _crossed_averages(rule, memory, point.prices)
    if rule.condition == "every_record":
        return True
    if rule.condition.startswith("crossing"):
        return _crossed(rule, point.before, point.prices[-1])
    holds = _holds(rule, point)
    again = rule.condition == "change_percent" and memory.session != point.session
    entered = holds and (not memory.inside or again)
    memory.inside, memory.session = holds, point.session
    return entered


def _holds(rule: Rule, point: Point) -> bool:
    price, value = Fraction(point.prices[-1]), Fraction(rule.value or 0)
    if rule.condition == "greater_than":
        return price > value
    if rule.condition == "less_than":
        return price < value
    if rule.condition == "change_percent":
        return _moved(point.tick.previous_close, price, value)
    window = rule.window or 0
    before = point.prices[-1 - window] if len(point.prices) > window else None
    return _moved(before, price, value)


def _moved(before: Decimal | None, price: Fraction, percent: Fraction) -> bool:
    return before is not None and abs(price / Fraction(before) - 1) * 100 > percent


def _crossed(rule: Rule, before: Decimal | None, now: Decimal) -> bool:
    if before is None or rule.value is None:
        return False
    up = before <= rule.value < now
    down = before >= rule.value > now
    return {"crossing_up": up, "crossing_down": down, "crossing": up or down}[rule.condition]


def _crossed_averages(rule: Rule, memory: Memory, prices: Sequence[Decimal]) -> bool:
    """Return whether the sign of SMA(fast) - SMA(slow) changes from its last non-zero one."""
    if memory.side is None:
        before = prices[:-1][-2 * (rule.slow or 0) :]
        signs = [_sign(rule, before[:end]) for end in range(1, len(before) + 1)]
        memory.side = next((sign for sign in reversed(signs) if sign), 0)
    sign = _sign(rule, prices)
    if not sign:
        return False
    turned = sign == -memory.side
    memory.side = sign
    return turned and sign == {"golden_cross": 1, "death_cross": -1}.get(rule.condition, sign)


def _sign(rule: Rule, prices: Sequence[Decimal]) -> int:
    """-1, 0 or 1; 0 before there are enough prices."""
    fast, slow = rule.fast or 0, rule.slow or 0
    if len(prices) < slow:
        return 0
    difference = _mean(prices[-fast:]) - _mean(prices[-slow:])
    return (difference > 0) - (difference < 0)


def _mean(prices: Sequence[Decimal]) -> Fraction:
    return sum(map(Fraction, prices), Fraction(0)) / len(prices)


def fired(rule: Rule, tick: Tick, freshest: Tick, now: datetime) -> Fired:
    """The alert at a tick; `freshest` is the tick that has to be fresh."""
    old = freshest.mode == "live" and now - reference.instant_of(freshest.timestamp) > QUIET_AFTER
    loud = rule.notify and freshest.mode != "backfill" and not old
    return Fired(tick.timestamp, rule.rule_id, tick.price, loud)


class Closed(NamedTuple):
    """A regular bar that closed: the tick that closed it, its last tick, and all closes so far."""

    interval: str
    row: Row
    last: Tick
    closes: Sequence[Decimal]


def alerts_on_bars(steps: Sequence[Step], history: Sequence[Row]) -> list[Fired]:
    """All alerts of rules on bars of a symbol whose ticks came in order and were not corrected.

    `history` are days from before its ticks.
    """
    memories: dict[str, Memory] = {}
    found: list[Fired] = []
    ticks = [tick for step in steps for tick in step.ticks]
    intervals = {rule.interval for step in steps for rule in step.rules} - {"tick"}
    closed_by = {name: closings(ticks, name, history) for name in intervals}
    for step in steps:
        kept = {rule.rule_id for rule in step.rules}
        memories = {name: memory for name, memory in memories.items() if name in kept}
        for tick in step.ticks:
            for rule in step.rules:
                closed = closed_by.get(rule.interval, {}).get(tick.timestamp)
                if closed is None:
                    continue
                closes, row = closed.closes, closed.row
                before = closes[-2] if len(closes) > 1 else None
                point = Point(closed.last, closes, before, row.start, row.day)
                if _fires(rule, memories, point):
                    found.append(fired(rule, closed.last, tick, step.now))
    return sorted(found)


def closings(ticks: Sequence[Tick], interval: str, history: Sequence[Row]) -> dict[str, Closed]:
    """By the timestamp of the tick that closes it, each regular bar that closes."""
    placed = reference.prints(ticks)
    regular = [one for one in placed if not one.extended]
    rows = [row for row in reference.bars(ticks, interval) if not row.extended]
    found: dict[str, Closed] = {}
    for place, row in enumerate(rows):
        mine = [one for one in regular if reference.label(one, interval) == row.start]
        closer = next(
            (o for o in placed if o.at > mine[-1].at and is_beyond(o, mine[-1], row, interval)),
            None,
        )
        if closer is not None:
            known = history if interval == "1d" else ()
            closes = [before.close for before in (*known, *rows[: place + 1])]
            found[closer.tick.timestamp] = Closed(interval, row, mine[-1].tick, closes)
    return found


def is_beyond(one: Print, last: Print, row: Row, interval: str) -> bool:
    """Return whether a tick after a bar's last one closes it."""
    if interval == "1d":
        calendar = calendar_for(one.tick.symbol, one.tick.exchange_timezone)
        return one.at > calendar.session_on(row.day).regular_until or one.day > row.day
    if interval == "1h":
        another = (one.hour, one.extended) != (row.start, False)
        return another and one.minute > last.minute
    return reference.label(one, interval) > row.start
