"""Detect: update the bars, state and alerts of symbols whose stored prices have changed."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from chalicelib.domain.alert_bounds import MINUTE, Room
from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.building import Hour
from chalicelib.domain.detection import (
    MAX_PENDING,
    Outcome,
    State,
    Watch,
    advance,
    rules_for,
)
from chalicelib.domain.errors import Contended
from chalicelib.domain.exchange_delays import source_delay
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, just_after
from chalicelib.services.bars.closes import KeptClosesBefore
from chalicelib.services.bars.corrections import Corrections
from chalicelib.services.bars.kept_closes import CloseKeeper
from chalicelib.services.bars.writing import BarWriter
from chalicelib.services.detect.alert_budget import AlertBudget
from chalicelib.services.detect.alert_excess import AlertExcess
from chalicelib.services.detect.changed_prices import ChangedPrices, by_symbol, joined_spans
from chalicelib.services.parallel import in_parallel
from chalicelib.services.stores import CROWDED_STEP, Refused, Stores

if TYPE_CHECKING:
    from chalicelib.services.detect.when_rules import WhenRules

log = logging.getLogger("ticktape.detect")

PARALLEL_SYMBOLS = 8
TRIES = 10
STEP = 1000
MAX_KEPT = 4000
KEPT_SECONDS = 60.0
"""A cached state that was not used for this long is read again."""


class Detected(msgspec.Struct, frozen=True):
    """The result of a batch.

    `failed` has the identifier of the first record to be delivered again, for each failed symbol.
    `late` counts the steps that repaired bars. `unrepaired` counts what is left for `rebuild`:
    spans of late ticks and unreadable states. `dropped` counts the alerts above the limit of
    recording, and `unsent` those above the limit of sending. `left_out` counts the symbols whose
    costly conditions were not evaluated, since there was no time to read their bars.
    """

    symbols: int
    ticks: int
    late: int
    alerts: int
    failed: tuple[str, ...]
    unrepaired: int = 0
    dropped: int = 0
    unsent: int = 0
    left_out: int = 0


class Tally(msgspec.Struct, frozen=True):
    """The counts of one symbol in a batch."""

    ticks: int = 0
    late: int = 0
    alerts: int = 0
    unrepaired: int = 0


def _keep_nothing() -> None:
    """Do nothing. Without rules with `when`, there are no values to keep."""


class Step(msgspec.Struct, frozen=True):
    """The result of one step of a symbol.

    `outcome` is the outcome of the new ticks. `repaired` says whether late ticks caused a repair.
    `unrepaired` counts the spans of late ticks that were too large to repair. `refused` has the
    closed bars in whose place others are stored. No stored bar before the instant `since` was
    repaired; it is empty if no bar was. `history` has read the closes for rules. Call `keep_when`
    after writing the state: it caches the values that the rules with `when` have used.
    """

    outcome: Outcome
    repaired: bool
    unrepaired: int
    history: KeptClosesBefore
    refused: Refused = Refused()
    since: str = ""
    keep_when: Callable[[], None] = _keep_nothing


class Doubtful(msgspec.Struct, frozen=True):
    """Bars and hours that were put from an outdated state and must be computed again. Bars are
    computed from prices, and hours from minutes. `inserted` has the bars that replaced no stored
    bar."""

    bars: tuple[Bar, ...] = ()
    hours: tuple[Hour, ...] = ()
    inserted: tuple[Bar, ...] = ()

    def joined(self, step: Step) -> Doubtful:
        """Return these bars and hours together with those that another step has put."""
        closed, refused = step.outcome.closed, step.refused
        there = {bar.key for bar in (*refused.differing, *refused.same)}
        inserted = tuple(bar for bar in closed if bar.key not in there)
        return Doubtful(
            self.bars + closed, self.hours + step.outcome.hours, self.inserted + inserted
        )


class _Work(NamedTuple):
    """One invocation's deadline (time.monotonic) and its alerts above the limits."""

    excess: AlertExcess
    deadline: float


class Options(msgspec.Struct, frozen=True):
    """The settings of detect."""

    fast: int
    slow: int
    anomaly_percent: Decimal
    quiet_after_seconds: int
    prices_days: int = 30


class RulesInForce(Protocol):
    """The rules in force. This container has read them at most half a minute ago."""

    def __call__(self) -> Sequence[Rule]:
        """Return all rules in force."""

    def now(self, symbol: str) -> Sequence[Rule]:
        """Read the rules again, and return those for a symbol."""


class Detect:
    """The service that the prices table's stream calls. A container has one instance.

    It caches the states that it wrote. The version check on the next write shows whether another
    invocation has written meanwhile. Only then is the state read again. A state that was not used
    for KEPT_SECONDS is also read again, since its symbol may have been forgotten.
    """

    def __init__(
        self,
        stores: Stores,
        rules: RulesInForce,
        options: Options,
        clock: Callable[[], datetime],
    ) -> None:
        self._stores = stores
        self._rules = rules
        self._options = options
        self._clock = clock
        self._corrections = Corrections(stores.prices, stores.bars, options.prices_days)
        self._writer = BarWriter(stores.bars)
        self._kept: dict[str, tuple[State, float]] = {}
        self._closes = CloseKeeper()
        self._budget = AlertBudget()
        self._when: WhenRules | None = None

    def __call__(self, changes: Sequence[ChangedPrices], deadline: float = math.inf) -> Detected:
        """Bring every symbol of the batch up to its newest complete record.

        A failure of one symbol does not affect the others. A symbol also fails if `deadline`
        (time.monotonic) comes before it has begun or is done. It continues when its records are
        delivered again. The first PARALLEL_SYMBOLS symbols always begin.
        """
        spans = by_symbol(changes)
        if not spans:
            return Detected(0, 0, 0, 0, ())
        if self._when is not None:
            self._when.begin()
        states = self._states([span.symbol for span in spans])
        rules = tuple(self._rules())
        work = _Work(AlertExcess(), deadline)

        def one(place: int) -> Tally | None:
            span = spans[place]
            if place >= PARALLEL_SYMBOLS and time.monotonic() >= deadline:
                log.info("%s: out of time, tried again with the next batch", span.symbol)
                return None
            return self._isolated(span, states.get(span.symbol), rules, work)

        tallies = in_parallel(one, range(len(spans)), PARALLEL_SYMBOLS)
        work.excess.log_counts()
        done = [tally for tally in tallies if tally is not None]
        failed = [span.identifier for span, tally in zip(spans, tallies, strict=True) if not tally]
        return Detected(
            symbols=len(spans),
            ticks=sum(tally.ticks for tally in done),
            late=sum(tally.late for tally in done),
            alerts=sum(tally.alerts for tally in done),
            failed=tuple(failed),
            unrepaired=sum(tally.unrepaired for tally in done),
            dropped=work.excess.dropped,
            unsent=work.excess.unsent,
            left_out=len(self._when.left_out()) if self._when is not None else 0,
        )

    def _states(self, symbols: Sequence[str]) -> dict[str, State]:
        """Take cached states out of the cache until they are written, and read the others. Return
        all of these states."""
        kept = {name: held for name in symbols if (held := self._kept.pop(name, None))}
        oldest = time.monotonic() - KEPT_SECONDS
        found = {name: state for name, (state, since) in kept.items() if since >= oldest}
        missing = [name for name in symbols if name not in found]
        if missing:
            found |= self._stores.state.get_many(missing)
        if len(self._kept) > MAX_KEPT:
            self._kept.clear()
        return found

    def unlearn(self, symbol: str) -> None:
        """Drop a forgotten symbol's cached state. It is read again at the symbol's next tick."""
        self._kept.pop(symbol, None)
        self._closes.forget(symbol)
        if self._when is not None:
            self._when.forget(symbol)

    def _isolated(
        self,
        span: ChangedPrices,
        state: State | None,
        rules: Sequence[Rule],
        work: _Work,
    ) -> Tally | None:
        """Process one symbol and return its counts. Return None if this failed for any reason. The
        symbol's records are then delivered again."""
        try:
            watch = Watch(rules_for(span.symbol, rules), self._options.fast, self._options.slow)
            return self._symbol(span, state or State(symbol=span.symbol), watch, work)
        except Contended as error:
            log.info("%s: %s; tried again with the next batch", span.symbol, error)
        except Exception:
            # Reported to Lambda, which retries, bisects the batch and finally dead-letters it.
            log.exception("%s failed; its records are to be delivered again", span.symbol)
        return None

    def _symbol(self, span: ChangedPrices, state: State, watch: Watch, work: _Work) -> Tally:
        tally = Tally()
        lost = 0
        rules_checked = False  # once per state: rules may change faster than a step runs
        doubtful = Doubtful()
        while lost < TRIES:
            if state.unreadable:
                return _left_to_rebuild(state, tally)
            watch = self._with_agreed_rules(state, watch, span.newest)
            self._stores.alerts.record_pending(state.pending, state.timezone)
            with self._budget.reserve() as room:
                step = self._step(span, state, watch, doubtful, room, work.deadline)
                outcome = step.outcome
                alerts = outcome.state.pending
                if not rules_checked and _has_first_alert(state, alerts):
                    rules_checked, fresh = True, self._with_current_rules(watch, span.symbol)
                    if fresh != watch:
                        watch = fresh
                        continue
                # A repair is written even if it did not change the state: if another invocation has
                # finished an hour or day that is live here, the write must fail and be retried.
                changed = step.repaired or outcome.state != state
                if changed and not self._stores.state.put(outcome.state):
                    lost += 1
                    rules_checked = False
                    doubtful = doubtful.joined(step)
                    state = self._stores.state.get(span.symbol) or State(symbol=span.symbol)
                    continue
                room.keep()
            if changed:
                self._keep_closes(state, step)
            work.excess.note(span.symbol, outcome)
            rules_checked = False
            self._stores.alerts.record_all(alerts, outcome.state.timezone)
            tally = self._add(tally, step, len(alerts))
            version = state.version + int(changed)
            state = msgspec.structs.replace(outcome.state, version=version, pending=())
            self._kept[span.symbol] = state, time.monotonic()
            if state.last_timestamp >= span.newest or not outcome.taken:
                return tally
            if time.monotonic() >= work.deadline:
                raise Contended(f"{span.symbol}: time is over at {state.last_timestamp}")
            begin = just_after(state.last_timestamp)
            span = msgspec.structs.replace(span, complete_from=begin, spans=())
        raise Contended(f"{span.symbol}: another invocation was faster {TRIES} times")

    def _keep_closes(self, before: State, step: Step) -> None:
        """Cache the closes that a step has read. The state of the step has replaced `before`."""
        step.history.keep()
        step.keep_when()
        after = step.outcome.state
        if after.repairs != before.repairs:
            self._closes.repaired(before.symbol, before.repairs, after.repairs, step.since)

    def _with_agreed_rules(self, state: State, watch: Watch, newest: str) -> Watch:
        """Return `watch`, with the current rules if its rules differ from those last evaluated on
        the state. Another container may know of a new or deleted rule."""
        known = {rule.rule_id: rule.fingerprint for rule in watch.rules}
        judged = {name: rule_state.fingerprint for name, rule_state in state.rule_states.items()}
        agree = all(known.get(name) == version for name, version in judged.items())
        begins = state.last is not None and any(
            rule.rule_id not in judged
            for rule in watch.rules
            if rule.interval == "tick" and rule.is_active(newest)
        )
        if agree and not begins:
            return watch
        return self._with_current_rules(watch, state.symbol)

    def _with_current_rules(self, watch: Watch, symbol: str) -> Watch:
        rules = rules_for(symbol, self._rules.now(symbol))
        return msgspec.structs.replace(watch, rules=rules)

    def _step(
        self,
        span: ChangedPrices,
        state: State,
        watch: Watch,
        doubtful: Doubtful,
        room: Room,
        deadline: float,
    ) -> Step:
        """Do everything that comes before the state is written. Read and fold ticks, evaluate
        rules, write closed bars, repair late ticks, and evaluate rules with `when`."""
        ticks = self._new_ticks(span, state, watch)
        history = KeptClosesBefore(self._stores.bars, span.symbol, self._closes, state.repairs)
        outcome = advance(state, ticks, watch, self._suppressed_reason, history, room)
        after, timezone = outcome.state, outcome.state.timezone
        arrival = span.ingested_at
        refused = self._writer.put_all(outcome.closed, arrival)
        clashes = [*doubtful.bars, *refused.differing]
        hours = [*doubtful.hours, *outcome.hours]
        self._writer.put_hours(span.symbol, timezone, hours, arrival)
        late = span.to_repair(state.last_timestamp, after.last_timestamp)
        if refused.same:  # an invocation died before writing the state: its bars may be wrong
            late = joined_spans([*late, (ticks[0].timestamp, after.last_timestamp)])
        after, left = self._corrections.repair(after, late, arrival, doubtful.inserted)
        if clashes:
            after = self._corrections.settle(after, clashes, arrival, doubtful.inserted)
        if late or clashes:
            after = msgspec.structs.replace(after, repairs=after.repairs + 1)
        outcome = msgspec.structs.replace(outcome, state=after)
        for start, end in left:
            log.error(
                "%s: late ticks from %s to %s are too many to be repaired here; run "
                "`rebuild %s --from %s`",
                span.symbol, start, end, span.symbol, start,
            )  # fmt: skip
        if outcome.split is not None:
            log.warning("%s: a split, %s", span.symbol, outcome.split)
            self._stores.symbols.note_split(span.symbol, outcome.split)
        starts = [start for start, _ in late] + [bar.start for bar in clashes]
        outcome, keep = self._with_when(state, outcome, ticks, watch, room, deadline)
        since = min(starts, default="")
        return Step(outcome, bool(late), len(left), history, refused, since, keep)

    def _with_when(
        self,
        before: State,
        outcome: Outcome,
        ticks: Sequence[Tick],
        watch: Watch,
        room: Room,
        deadline: float,
    ) -> tuple[Outcome, Callable[[], None]]:
        """Evaluate the rules with `when` on the stored bars. Return the outcome with the rules'
        states and alerts, and a function that caches the values that were used. The modules for
        this are loaded when the first such rule is found."""
        if all(rule.when is None for rule in watch.rules):
            return outcome, _keep_nothing
        taken, after = ticks[: outcome.taken], outcome.state
        judge, quiet = self._when_rules(), self._suppressed_reason
        judged = judge(before, after, taken, watch, quiet, room, deadline)
        rule_states = {**after.rule_states, **judged.rule_states}
        pending = (*after.pending, *judged.alerts)
        after = msgspec.structs.replace(after, rule_states=rule_states, pending=pending)
        dropped = Counter(outcome.dropped) + Counter(judged.dropped)
        unsent = Counter(outcome.unsent) + Counter(judged.unsent)
        outcome = msgspec.structs.replace(outcome, state=after, dropped=dropped, unsent=unsent)
        return outcome, judged.keep

    def _when_rules(self) -> WhenRules:
        from chalicelib.services.detect.when_rules import WhenRules

        self._when = self._when or WhenRules(self._stores)
        return self._when

    def _new_ticks(self, span: ChangedPrices, state: State, watch: Watch) -> list[Tick]:
        start = just_after(state.last_timestamp) if state.last else None
        end = just_after(span.newest)
        if start is not None and start >= end:
            return []
        page = self._stores.prices.ticks(
            span.symbol, start, end, limit=STEP, consistent=True, most=CROWDED_STEP
        )
        ticks = [stored.tick for stored in page.rows]
        most = most_minutes(watch.rules)
        return first_minutes(ticks, most) if most else ticks

    def _suppressed_reason(self, tick: Tick) -> str:
        """Return why a tick must not raise alerts; empty if it may. A historical tick must not
        ("backfill"), nor a live tick that is older than its exchange's delay explains ("old")."""
        if tick.mode == "backfill":
            return "backfill"
        limit = timedelta(seconds=self._options.quiet_after_seconds)
        limit += source_delay(tick.symbol, tick.source)
        if tick.mode == "live" and self._clock() - from_text(tick.timestamp) > limit:
            return "old"
        return ""

    @staticmethod
    def _add(tally: Tally, step: Step, alerts: int) -> Tally:
        return Tally(
            ticks=tally.ticks + step.outcome.taken,
            late=tally.late + int(step.repaired),
            alerts=tally.alerts + alerts,
            unrepaired=tally.unrepaired + step.unrepaired,
        )


def _left_to_rebuild(state: State, tally: Tally) -> Tally:
    """Log that a symbol's state cannot be read. Return its counts with `unrepaired` increased.
    `rebuild` repairs the state from the stored prices. A retry would only delay other symbols."""
    log.error(
        "%s: its state cannot be read, run `rebuild %s`: %s",
        state.symbol, state.symbol, state.unreadable,
    )  # fmt: skip
    return msgspec.structs.replace(tally, unrepaired=tally.unrepaired + 1)


def most_minutes(rules: Sequence[Rule]) -> int:
    """Return how many minutes of ticks a run may have; 0 if no rule has `when`. The state must have
    room for the alerts of the rules with `when`."""
    count = sum(rule.when is not None for rule in rules)
    return max(2, MAX_PENDING // count) if count else 0


def first_minutes(ticks: Sequence[Tick], most: int) -> list[Tick]:
    """Return the ticks of the first `most` minutes."""
    minutes = groupby(ticks, lambda tick: tick.timestamp[:MINUTE])
    return [tick for _, (_, some) in zip(range(most), minutes, strict=False) for tick in list(some)]


def _has_first_alert(state: State, alerts: Iterable[Alert]) -> bool:
    """Return whether an alert is of a rule that was never evaluated on the symbol. This container
    may not know that the rule has been deleted. The rule may also have fired before."""
    return any(alert.rule_id not in state.rule_states for alert in alerts)
