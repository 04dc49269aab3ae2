"""Evaluate a symbol's rules with `when` on a run of ticks.

The bars of these ticks are stored before, and the state is written afterwards. So conditions are
evaluated on stored bars, as in a preview. The state decides which alerts exist, as for other rules.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import NamedTuple

import msgspec

from chalicelib.domain.alert_bounds import AlertCount, Quiet, Room
from chalicelib.domain.alerts import Alert
from chalicelib.domain.detection import State, Watch
from chalicelib.domain.errors import Contended
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.watching import RuleState
from chalicelib.domain.when.costs import FEW_BARS, by_cost, stored_bars_of, within_cost
from chalicelib.domain.when.needs import symbols_of
from chalicelib.services.bars.other_rows import OtherRows
from chalicelib.services.bars.time_limits import TimeIsUp
from chalicelib.services.bars.when_bars import WhenBars
from chalicelib.services.bars.when_desks import Desks, Subject
from chalicelib.services.detect.closings import Closing, closings_of
from chalicelib.services.detect.kept_desks import Basis, KeptDesk, KeptDesks, Key
from chalicelib.services.detect.patience import Patience
from chalicelib.services.detect.turns import Turns
from chalicelib.services.detect.when_run import WhenRun
from chalicelib.services.stores import Stores


class WhenJudged(msgspec.Struct, frozen=True):
    """The states and alerts of the rules with `when` after an evaluation. `dropped` counts, by
    rule, the alerts above the limits that were not recorded, and `unsent` those not sent. `keep`
    caches the desks; call it after the state is written."""

    rule_states: Mapping[str, RuleState]
    alerts: tuple[Alert, ...]
    dropped: Mapping[str, int]
    unsent: Mapping[str, int]
    keep: Callable[[], None]


class _Work(NamedTuple):
    """Rules on one interval, and the points at which they are to be evaluated."""

    key: Key
    rules: Sequence[Rule]
    closings: Sequence[Closing]
    desks: Desks
    basis: Basis

    @property
    def is_costly(self) -> bool:
        """Return whether the bars of the rules are costly to read."""
        return self.key[2]

    @property
    def needs_many_bars(self) -> bool:
        """Return whether many bars must be read: the rules need many, and no desk is cached."""
        return self.desks.desk is None and stored_bars_of(self.rules) > FEW_BARS


class WhenRules:
    """Evaluates the rules with `when` of all symbols. Each container has one; threads may share
    it."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._kept = KeptDesks()
        self._others = OtherRows(stores.bars)
        self._marks: dict[str, str] = {}
        self._marking = threading.Lock()
        self._turns = Turns()
        self._patience = Patience()

    def begin(self) -> None:
        """Begin a batch. The mark of each other symbol's history is read once per batch."""
        self._marks = {}
        self._turns.begin()

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
        """Evaluate the rules at the ticks that led from `before` to `after`. Their bars are stored.

        Cheap rules are always evaluated. If the deadline comes while bars of costly rules are read,
        the remaining rules are left out. Raises Contended if other symbols read their bars first.
        """
        run = WhenRun(before, after, watch, AlertCount(None, quiet, room))
        rules, is_off = within_cost(watch.rules), self._patience.is_over(after.symbol)
        closings = closings_of(before, ticks, {rule.interval for rule in rules})
        cheap, costly = by_cost(rules)
        works = [
            *self._works(run, cheap, closings, after, math.inf),
            *self._works(run, [] if is_off else costly, closings, after, deadline, is_costly=True),
        ]
        used: dict[Key, tuple[Desks, Basis]] = {}
        try:
            is_whole = self._judge(run, works, used, deadline)
        except TimeIsUp:
            self._patience.note_left(after.symbol)
        else:
            self._note(after.symbol, costly, works, is_whole=is_whole)
        count = run.count
        return WhenJudged(
            run.changed,
            tuple(run.alerts),
            dict(count.dropped),
            dict(count.unsent),
            lambda: self._keep(used),
        )

    def _works(
        self,
        run: WhenRun,
        rules: Sequence[Rule],
        closings: Sequence[Closing],
        after: State,
        deadline: float,
        *,
        is_costly: bool = False,
    ) -> list[_Work]:
        """Group the cheap or the costly rules by interval; the group that needs the fewest bars
        comes first. Each group has the points at which any of its rules is due."""
        works = []
        for interval in sorted({rule.interval for rule in rules}):
            mine = [rule for rule in rules if rule.interval == interval]
            due = [one for one in closings if one.point.interval == interval]
            due = [one for one in due if run.is_due(mine, one)]
            if due:
                key = after.symbol, interval, is_costly
                works.append(_Work(key, mine, due, *self._desks(mine, key, after, deadline)))
        return sorted(works, key=lambda work: stored_bars_of(work.rules))

    def _judge(
        self,
        run: WhenRun,
        works: Sequence[_Work],
        used: dict[Key, tuple[Desks, Basis]],
        deadline: float,
    ) -> bool:
        """Evaluate rules. Costly rules are evaluated only if it is the symbol's turn. Return
        whether all rules were evaluated. Raises Contended and TimeIsUp."""
        waiting = list(works)
        is_long = any(work.needs_many_bars for work in works)
        try:
            with self._turns(deadline) if is_long else nullcontext(True) as is_my_turn:
                while waiting:
                    work = waiting.pop(0)
                    if is_my_turn or not work.is_costly:
                        run.judge(work.rules, work.desks, work.closings)
                        used[work.key] = work.desks, work.basis
        except Contended:
            self._keep({work.key: (work.desks, work.basis) for work in waiting})
            raise
        return is_my_turn or not any(work.is_costly for work in works)

    def _note(
        self, symbol: str, costly: Sequence[Rule], works: Sequence[_Work], *, is_whole: bool
    ) -> None:
        """Note whether costly rules were evaluated or left out."""
        if not is_whole:
            self._patience.note_waiting(symbol)
        elif not costly or any(work.is_costly for work in works):
            self._patience.note_done(symbol)

    def left_out(self) -> tuple[str, ...]:
        """Return the symbols whose costly rules were left out at their last evaluation."""
        return self._patience.left_out()

    def forget(self, symbol: str) -> None:
        """Drop the cached desks of a symbol."""
        self._kept.forget(symbol)

    def _desks(
        self, rules: Sequence[Rule], key: Key, after: State, deadline: float
    ) -> tuple[Desks, Basis]:
        """Return the desks of rules on one interval, and the basis under which stored bars are
        read. Only the newest bar may change while the basis is the same. Bars of other symbols are
        cached under the versions of their states, which are read before the bars."""
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
        kept = self._kept.take(key, basis)
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
        return Desks(bars, subject, rules, key[1], last), basis

    def _mark(self, symbol: str) -> str:
        """Return the mark of another symbol's history. It is read once per batch."""
        with self._marking:
            if symbol not in self._marks:
                self._marks[symbol] = self._stores.bars.history_mark(symbol)
            return self._marks[symbol]

    def _keep(self, used: Mapping[Key, tuple[Desks, Basis]]) -> None:
        """Cache the desks that were used. Call this after the state is written."""
        for key, (desks, basis) in used.items():
            if desks.desk is not None:
                self._kept.keep(key, KeptDesk(desks.desk, desks.splits, basis))


def other_symbols(rules: Sequence[Rule]) -> set[str]:
    """Return the symbols that the rules' conditions name."""
    return set().union(*(symbols_of(rule.when) for rule in rules if rule.when))
