"""Preview a rule with `when`, at the same points as live detection and with the same
computation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from chalicelib.domain.alerts import Alert
from chalicelib.domain.building import place_of
from chalicelib.domain.detection import State, Watch
from chalicelib.domain.errors import RuleError
from chalicelib.domain.folding import label
from chalicelib.domain.rules import Rule
from chalicelib.domain.splits import DatedClose, adjusted, adjusted_closes
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later
from chalicelib.domain.watching import (
    Observation,
    RuleState,
    in_force,
    is_first,
    judge,
    without_alert,
)
from chalicelib.domain.when.alerting import alert_of
from chalicelib.domain.when.costs import excess_of
from chalicelib.domain.when.desk import Desk
from chalicelib.domain.when.needs import most_in_a_point, symbols_of
from chalicelib.domain.when.points import DAYS, Point, bar_point, session_date, tick_point
from chalicelib.domain.when.truth import Truth
from chalicelib.services.bars.time_limits import never
from chalicelib.services.bars.when_bars import WhenBars
from chalicelib.services.bars.when_desks import Desks, Subject, after_split
from chalicelib.services.rules.closed_bars import LastPart
from chalicelib.services.rules.last_ticks import LastTicks
from chalicelib.services.rules.preview_run import Position
from chalicelib.services.stores import Stores

_AT_ONCE = 2_000
"""Bars are read together for this many points. If a series has several bars in a point, the number
is divided by that."""


class Judgement(NamedTuple):
    """The evaluation of a rule at one point. `alert` is set if the rule fires. `known` says whether
    the condition was known. `rule_state` is what the rule remembers afterwards. On bars,
    `close_before` is the last close of the session before."""

    label: str
    alert: Alert | None
    known: bool
    rule_state: RuleState
    close_before: DatedClose | None = None


class WhenPreview:
    """Evaluates one rule at the points (ticks or closed bars) of one symbol."""

    def __init__(
        self,
        stores: Stores,
        rule: Rule,
        state: State,
        watch: Watch,
        since: Position | None = None,
        is_in_force: bool = False,
        time_is_up: Callable[[], bool] = never,
    ) -> None:
        """Create a preview. `state` is the symbol's state, with its running bars and splits.
        `since` is the position that an earlier preview reached. If the rule `is_in_force`, it was
        evaluated before the first point. Evaluating may raise TimeIsUp."""
        self._stores = stores
        self._rule = rule
        self._state = state
        self._watch = watch
        self._since = since
        self._is_in_force = is_in_force
        self._rule_state = since.rule_state if since is not None else None
        self._tick: Tick | None = None
        others = symbols_of(rule.when or "")
        states = stores.state.get_many(sorted(others - {state.symbol})) if others else {}
        bars = WhenBars(
            stores.bars,
            state.symbol,
            {**states, state.symbol: state},
            consistent=False,
            time_is_up=time_is_up,
        )
        self._subject = Subject(state.symbol, state.timezone, state.splits)
        self._desks = Desks(bars, self._subject, [rule], rule.interval)

    def over_bars(self, parts: Iterable[LastPart], ticks: LastTicks) -> Iterator[Judgement]:
        """Yield the evaluations of the rule at closed bars, in order."""
        at_once = max(1, _AT_ONCE // most_in_a_point(self._rule.when or "", self._rule.interval))
        for some in _in_groups(parts, at_once):
            points = [self._bar_point(part) for part in some]
            for (desk, point), part in zip(self._desks.ready(points), some, strict=True):
                truth = desk.judge(point)[self._rule.rule_id]
                yield self._at_bar(desk, point, part, truth, ticks)

    def over_ticks(self, pages: Iterable[list[Tick]]) -> Iterator[Judgement]:
        """Yield the evaluations of the rule at ticks, in order."""
        if self._since is not None:
            self._tick = self._tick_at(self._since.until)
        for page in pages:
            places = [place_of(tick) for tick in page]
            points = [
                tick_point(tick.timestamp, place.date)
                for tick, place in zip(page, places, strict=True)
            ]
            ready = zip(self._desks.ready(points), page, places, strict=True)
            for (desk, point), tick, place in ready:
                truth = desk.judge(point, tick.price, self._memories(desk, point))
                observation = Observation(
                    timestamp=tick.timestamp,
                    price=tick.price,
                    previous_price=None,
                    previous_close=tick.previous_close,
                    session=place.date,
                    scope=place.minute,
                    closes=(),
                    split=max(self._split_dates(place.date), default=""),
                    holds=truth[self._rule.rule_id] is True,
                    held=desk.held_before(self._rule.rule_id),
                )
                self._tick = tick
                rule_state, alert = self._at_tick(desk, observation, tick)
                known = truth[self._rule.rule_id] is not None
                yield Judgement(point.label, alert, known, rule_state)

    def _tick_at(self, timestamp: str) -> Tick | None:
        """Return the last stored tick up to `timestamp`; None if there is none. It shows whether a
        split took effect after it."""
        prices, end = self._stores.prices, just_after(timestamp)
        rows = prices.ticks(self._subject.symbol, None, end, limit=1, descending=True).rows
        return rows[0].tick if rows else None

    def _memories(self, desk: Desk, point: Point) -> dict[str, str]:
        """Return what the rule remembers of the ticks before a point. The dict's key is the rule's
        id."""
        rule_id, state = self._rule.rule_id, self._rule_state
        found = {rule_id: state.memory if state else ""}
        if self._tick is not None:
            found |= after_split(desk, self._tick, point, {rule_id: state}, self._subject.splits)
        return found

    def _split_dates(self, date: str) -> list[str]:
        return [split.date for split in self._subject.splits if split.date <= date]

    def _bar_point(self, part: LastPart) -> Point:
        name = label(part[0].start, self._rule.interval)
        symbol, zone, _ = self._subject
        interval, date = self._rule.interval, part[0].date
        if interval not in DAYS and date == name[:10]:  # a historical bar's date may be wrong
            date = session_date(symbol, zone, name)
        return bar_point(interval, name, date, symbol, zone)

    def _at_bar(
        self, desk: Desk, point: Point, part: LastPart, truth: Truth, ticks: LastTicks
    ) -> Judgement:
        """Evaluate the rule at a bar. If it may fire, read the bar's last tick for the alert's
        time."""
        observation = self._observation(point, part, holds=truth is True)
        held = desk.held_before(self._rule.rule_id)
        observation = msgspec.structs.replace(observation, held=held)
        self._begin(held)
        latest = msgspec.structs.replace(observation, timestamp=later(part[0].start, days=2))
        has_pause = self._rule.cooldown_seconds > 0
        after, fires = judge(self._rule, self._rule_state, latest if has_pause else observation)
        if fires and (tick := ticks.tick_of(part[0])) is not None:
            close = tick.previous_close
            observation = msgspec.structs.replace(
                observation, timestamp=tick.timestamp, previous_close=close
            )
        if fires:
            after, fires = judge(self._rule, self._rule_state, observation)
        self._rule_state = after
        alert = self._alert(desk, observation) if fires else None
        return Judgement(point.label, alert, truth is not None, after, part[1])

    def _begin(self, held: bool | None) -> None:
        """Create the state of a rule in force at its first point. `held` is whether its condition
        held before."""
        if self._is_in_force and self._rule_state is None:
            self._rule_state = in_force(self._rule, None, held)

    def _observation(self, point: Point, part: LastPart, *, holds: bool) -> Observation:
        close, session_before = part
        splits = [split for split in self._subject.splits if split.date <= close.date]
        previous = adjusted_closes([session_before] if session_before else [], splits)
        return Observation(
            timestamp=point.label,
            price=adjusted(close.close, close.date, splits),
            previous_price=None,
            previous_close=previous[0] if previous else None,
            session=close.date,
            scope=point.label,
            closes=(),
            split=splits[-1].date if splits else "",
            holds=holds,
        )

    def _at_tick(
        self, desk: Desk, observation: Observation, tick: Tick
    ) -> tuple[RuleState, Alert | None]:
        self._begin(None)
        before = self._rule_state
        after, fires = judge(self._rule, before, observation)
        if fires and not is_first(before, after):
            after, fires = without_alert(self._rule, before, after), False
        memory = desk.memory(self._rule.rule_id)
        self._rule_state = after = msgspec.structs.replace(after, memory=memory)
        return after, self._alert(desk, observation, tick) if fires else None

    def _alert(self, desk: Desk, observation: Observation, tick: Tick | None = None) -> Alert:
        made = tick or Tick(
            symbol=self._subject.symbol,
            timestamp=observation.timestamp,
            price=observation.price,
            previous_close=observation.previous_close,
        )
        values = desk.shown(self._rule.rule_id)
        return alert_of(self._rule, observation, made, self._watch, "preview", values)


def check_cost(rule: Rule) -> None:
    """Raise RuleError if one rule needs more than all rules of a symbol may need together."""
    if excess := excess_of([rule]):
        raise RuleError("when", excess.needed, f"at most {excess.most:,}")


def _in_groups(parts: Iterable[LastPart], at_once: int) -> Iterator[list[LastPart]]:
    """Yield the parts in groups of at most `at_once`."""
    left = iter(parts)
    while some := list(islice(left, at_once)):
        yield some
