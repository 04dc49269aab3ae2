"""Detection: a symbol's state, moved on by its next ticks, and what comes out of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.building import BarBuilder, Hour, Place
from chalicelib.domain.messages import describe
from chalicelib.domain.rules import ANY_SYMBOL, Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.watching import Latch, Point, judge

MAX_PENDING = 100
"""Pending alerts lie in the state's item: a run of ticks stops short when there are so many."""

Quiet = Callable[[Tick], str]
"""Why an alert at this tick is only recorded; empty where it is to be sent."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What detect remembers of a symbol.

    last: the newest tick that was folded in; minute, day: the running bars; closes: the newest
    prices, newest last; latches by rule; pending: alerts of the last step that may not have been
    delivered yet; version counts the writes.
    """

    symbol: str
    version: int = 0
    last: Tick | None = None
    minute: Bar | None = None
    day: Bar | None = None
    closes: tuple[Decimal, ...] = ()
    latches: Mapping[str, Latch] = {}
    pending: tuple[Alert, ...] = ()

    @property
    def last_timestamp(self) -> str:
        """The last tick's; empty (before all others) where there is none."""
        return self.last.timestamp if self.last else ""

    @property
    def live(self) -> dict[str, Bar]:
        """The running bars by interval."""
        return {bar.interval: bar for bar in (self.minute, self.day) if bar is not None}


class Outcome(msgspec.Struct, frozen=True):
    """What a run of ticks led to.

    `closed` are finished 1m and 1d bars, `hours` the finished hours, which are folded
    from their minutes; `taken` says how many of the ticks were used.
    """

    state: State
    closed: tuple[Bar, ...]
    hours: tuple[Hour, ...]
    taken: int


class Watch(msgspec.Struct, frozen=True):
    """What is watched: rules of one symbol (those for all included) and the averages shown."""

    rules: tuple[Rule, ...]
    fast: int = 5
    slow: int = 20

    @property
    def depth(self) -> int:
        """How many of the newest prices the rules on ticks, and the averages shown, need."""
        needed = [rule.closes_needed for rule in self.rules if rule.interval == "tick"]
        return max([self.slow, *needed])


def rules_for(symbol: str, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules that concern a symbol, in a fixed order."""
    mine = (rule for rule in rules if rule.symbol in (symbol, ANY_SYMBOL))
    return tuple(sorted(mine, key=lambda rule: rule.rule_id))


def advance(state: State, ticks: Sequence[Tick], watch: Watch, quiet: Quiet) -> Outcome:
    """Fold ticks, all later than `state.last` and in order, into the state.

    The new state has the alerts of this run as `pending`; the old ones must have been delivered.
    """
    builder = BarBuilder(state.last, state.minute, state.day)
    closes = list(state.closes)
    latches = dict(state.latches)
    alerts: list[Alert] = []
    depth = watch.depth
    taken = 0
    for tick in ticks:
        previous = builder.last
        place = builder.add(tick)
        closes = [*closes[-depth + 1 :], tick.price] if depth > 1 else [tick.price]
        point = _point(tick, previous, place, closes)
        alerts += _judge_all(watch, latches, point, tick, quiet)
        taken += 1
        if len(alerts) >= MAX_PENDING:
            break
    known = {rule.rule_id for rule in watch.rules}
    after = State(
        symbol=state.symbol,
        version=state.version,
        last=builder.last,
        minute=builder.minute,
        day=builder.day,
        closes=tuple(closes),
        latches={name: latch for name, latch in latches.items() if name in known},
        pending=tuple(alerts),
    )
    return Outcome(after, tuple(builder.closed), tuple(builder.hours), taken)


def averages(closes: Sequence[Decimal], fast: int, slow: int) -> dict[str, Decimal]:
    """The simple averages shown beside a price, by name, where enough prices are there."""
    return {
        f"sma_{size}": (sum(closes[-size:], Decimal(0)) / size).quantize(
            Decimal("0.00000001"), ROUND_HALF_EVEN
        )
        for size in (fast, slow)
        if len(closes) >= size
    }


def _point(tick: Tick, previous: Tick | None, place: Place, closes: Sequence[Decimal]) -> Point:
    return Point(
        timestamp=tick.timestamp,
        price=tick.price,
        previous_price=previous.price if previous else None,
        previous_close=tick.previous_close,
        session=place.date,
        scope=place.minute,
        closes=closes,
    )


def _judge_all(
    watch: Watch, latches: dict[str, Latch], point: Point, tick: Tick, quiet: Quiet
) -> list[Alert]:
    fired = []
    for rule in watch.rules:
        if rule.interval != "tick" or not rule.is_active(point.timestamp):
            continue
        latches[rule.rule_id], fires = judge(rule, latches.get(rule.rule_id), point)
        if fires:
            fired.append(_alert(rule, point, tick, watch, quiet))
    return fired


def _alert(rule: Rule, point: Point, tick: Tick, watch: Watch, quiet: Quiet) -> Alert:
    values = _values(rule, point, tick, watch)
    return Alert(
        symbol=tick.symbol,
        timestamp=tick.timestamp,
        rule_id=rule.rule_id,
        condition=rule.condition,
        interval=rule.interval,
        price=tick.price,
        values=values,
        message=describe(rule, tick, values),
        source=tick.source,
        quiet="" if rule.notify and not quiet(tick) else (quiet(tick) or "record only"),
    )


def _values(rule: Rule, point: Point, tick: Tick, watch: Watch) -> dict[str, Decimal]:
    values: dict[str, Decimal] = {}
    if rule.value is not None:
        values["value"] = rule.value
    if tick.previous_close is not None:
        values["previous_close"] = tick.previous_close
        values["change"] = tick.price - tick.previous_close
        values["change_percent"] = _percent(tick.price, tick.previous_close)
    if rule.condition == "moving_percent" and rule.window:
        values["moved_percent"] = _percent(tick.price, point.closes[-rule.closes_needed])
    fast, slow = rule.fast or watch.fast, rule.slow or watch.slow
    return values | averages(point.closes, fast, slow)


def _percent(price: Decimal, reference: Decimal) -> Decimal:
    return ((price - reference) * 100 / reference).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
