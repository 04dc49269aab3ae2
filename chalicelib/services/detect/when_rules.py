"""Judges the rules with `when` of a run of ticks.

It runs after the run's bars are stored and before the state is written. So conditions are judged on
stored bars, as in a preview, and the state decides which alerts exist, as for other rules.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from chalicelib.domain.alert_bounds import AlertCount, Quiet, Room
from chalicelib.domain.alerts import Alert
from chalicelib.domain.detection import State, Watch
from chalicelib.domain.errors import Contended
from chalicelib.domain.rules import Rule
from chalicelib.domain.splits import adjusted
from chalicelib.domain.ticks import Tick
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
from chalicelib.domain.when.costs import FEW_BARS, stored_bars_of, within_cost
from chalicelib.domain.when.desk import Desk
from chalicelib.domain.when.needs import symbols_of
from chalicelib.services.bars.other_rows import OtherRows
from chalicelib.services.bars.time_limits import TimeIsUp
from chalicelib.services.bars.when_bars import WhenBars
from chalicelib.services.bars.when_desks import Desks, Subject, after_split
from chalicelib.services.detect.closings import Closing, closings_of
from chalicelib.services.detect.kept_desks import Basis, KeptDesk, KeptDesks, Key
from chalicelib.services.detect.patience import Patience
from chalicelib.services.stores import Stores


class WhenJudged(msgspec.Struct, frozen=True):
    """The result: the states of the rules with `when`, and their alerts."""

    rule_states: Mapping[str, RuleState]
    alerts: tuple[Alert, ...]
    dropped: Mapping[str, int]
    unsent: Mapping[str, int]
    keep: Callable[[], None]


class WhenRules:
    """The rules with `when` of all symbols; one per container. Threads may share it."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._kept = KeptDesks()
        self._others = OtherRows(stores.bars)
        self._marks: dict[str, str] = {}
        self._marking = threading.Lock()
        self._reading = threading.Lock()
        self._patience = Patience()

    def begin(self) -> None:
        """Begin a batch: marks of the history of other symbols are read once in it."""
        self._marks = {}

    def __call__(
        self,
        before: State,
        after: State,
        ticks: Sequence[Tick],
        watch: Watch,
        quiet: Quiet,
        room: Room,
        deadline: float = math.inf,
    ) -> WhenJudged:
        """Judge the rules at the ticks that led from `before` to `after`, whose bars are stored.

        If the deadline comes while bars are read, those that are not judged yet are left out.
        """
        rules = [] if self._patience.is_over(after.symbol) else within_cost(watch.rules)
        run = _Run(before, after, watch, AlertCount(None, quiet, room))
        used: dict[Key, tuple[Desks, Basis]] = {}
        closings = closings_of(before, ticks, {rule.interval for rule in rules})
        try:
            for interval in sorted({rule.interval for rule in rules}):
                mine = [rule for rule in rules if rule.interval == interval]
                due = [one for one in closings if one.point.interval == interval]
                due = [one for one in due if run.is_due(mine, one)]
                if due:
                    desks, basis = self._desks(mine, interval, after, deadline)
                    with self._turn(mine, desks, deadline):
                        run.judge(mine, desks, due)
                    used[after.symbol, interval] = desks, basis
        except TimeIsUp:
            self._patience.note_left(after.symbol)
        else:
            if used:
                self._patience.note_done(after.symbol)
        count = run.count
        return WhenJudged(
            run.changed,
            tuple(run.alerts),
            dict(count.dropped),
            dict(count.unsent),
            lambda: self._keep(used),
        )

    @contextmanager
    def _turn(self, rules: Sequence[Rule], desks: Desks, deadline: float) -> Iterator[None]:
        """Have symbols that need many bars read them one after the other, so that some are done by
        the deadline. Raises Contended if it comes first."""
        if desks.desk is not None or stored_bars_of(rules) <= FEW_BARS:
            yield
            return
        seconds = min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX)
        if not self._reading.acquire(timeout=seconds):
            raise Contended("bars for the conditions of other symbols are read first")
        try:
            yield
        finally:
            self._reading.release()

    def left_out(self) -> tuple[str, ...]:
        """Return the symbols whose rules were left out the last time."""
        return self._patience.left_out()

    def forget(self, symbol: str) -> None:
        """Drop what is kept of a symbol."""
        self._kept.forget(symbol)

    def _desks(
        self, rules: Sequence[Rule], interval: str, after: State, deadline: float
    ) -> tuple[Desks, Basis]:
        """Return the desk of rules on one interval, and what stored bars are read under: while it
        is the same, none before the newest has changed. Bars of others are kept under the version
        of their states, which are read before."""
        others = sorted(other_symbols(rules) - {after.symbol})
        states = self._stores.state.get_many(others) if others else {}
        marks = {name: self._mark(name) for name in others}
        versions = {
            name: (states[name].version if name in states else None, marks[name]) for name in others
        }
        states[after.symbol] = after
        marks[after.symbol] = self._stores.bars.history_mark(after.symbol)
        stored = tuple(
            (name, state.repairs, state.splits, marks[name])
            for name, state in sorted(states.items())
        )
        texts = tuple((rule.rule_id, rule.when) for rule in rules)
        basis: Basis = (texts, tuple(marks.items()), *stored)
        kept = self._kept.take((after.symbol, interval), basis)
        bars = WhenBars(
            self._stores.bars,
            after.symbol,
            states,
            time_is_up=lambda: time.monotonic() >= deadline,
            others=self._others,
            versions=versions,
        )
        subject = Subject(after.symbol, after.timezone, after.splits)
        last = (kept.desk, kept.splits) if kept is not None else None
        return Desks(bars, subject, rules, interval, last), basis

    def _mark(self, symbol: str) -> str:
        """Return the mark of another symbol's history."""
        with self._marking:
            if symbol not in self._marks:
                self._marks[symbol] = self._stores.bars.history_mark(symbol)
            return self._marks[symbol]

    def _keep(self, used: Mapping[Key, tuple[Desks, Basis]]) -> None:
        """Keep desks, after the state that was computed with them is written."""
        for key, (desks, basis) in used.items():
            if desks.desk is not None:
                self._kept.keep(key, KeptDesk(desks.desk, desks.splits, basis))


class _Run:
    """One run of ticks of one symbol."""

    def __init__(self, before: State, after: State, watch: Watch, count: AlertCount) -> None:
        self._symbol = before.symbol
        self._after = after
        self._watch = watch
        self.count = count
        self._before = before.rule_states
        self.changed: dict[str, RuleState] = {}
        self.alerts: list[Alert] = []

    def is_due(self, rules: Sequence[Rule], closing: Closing) -> bool:
        """Return whether any rule is to be judged at a point."""
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
        """Judge the rules of one interval at its points in order."""
        points = [closing.point for closing in closings]
        for (desk, point), closing in zip(desks.ready(points), closings, strict=True):
            on_ticks = point.interval == "tick"
            memories = {
                rule.rule_id: known.memory
                for rule in rules
                if (known := known_to(rule, self._state(rule)))
            }
            if on_ticks and closing.before is not None:
                states = {rule.rule_id: self._state(rule) for rule in rules}
                memories |= after_split(desk, closing.before, point, states, self._after.splits)
            truths = desk.judge(point, closing.tick.price, memories if on_ticks else None)
            for rule in rules:
                if self._is_due(rule, closing):
                    memory = desk.memory(rule.rule_id) if on_ticks else ""
                    self._judge(rule, desk, closing, truths[rule.rule_id] is True, memory)

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


def other_symbols(rules: Sequence[Rule]) -> set[str]:
    """Return the symbols that conditions name."""
    return set().union(*(symbols_of(rule.when) for rule in rules if rule.when))


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
