"""Detect: the stream says when to look, the table says what is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

import msgspec

from chalicelib.domain.delays import source_delay
from chalicelib.domain.detection import Outcome, State, Watch, advance, rules_for
from chalicelib.domain.errors import Contended
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, just_after
from chalicelib.services.closes import ClosesBefore
from chalicelib.services.corrections import Corrections
from chalicelib.services.notify import Notifier
from chalicelib.services.stores import Stores

log = logging.getLogger("ticktape.detect")

PARALLEL_SYMBOLS = 8
TRIES = 10
STEP = 1000
MAX_KEPT = 4000
KEPT_SECONDS = 60.0
_LOOKUP = 100


class Trigger(msgspec.Struct, frozen=True):
    """One stream record that says: of `symbol`, everything from complete_from to newest is there.

    `identifier` is what a failure is reported by.
    """

    identifier: str
    symbol: str
    newest: str
    complete_from: str
    ingested_at: str


class Detected(msgspec.Struct, frozen=True):
    """What came of a batch. `failed` are identifiers of records to be delivered again, the first
    of each symbol that did not go through."""

    symbols: int
    ticks: int
    late: int
    alerts: int
    sent: int
    failed: tuple[str, ...]


class Tally(msgspec.Struct, frozen=True):
    """Counts of one symbol."""

    ticks: int = 0
    late: int = 0
    alerts: int = 0
    sent: int = 0


class Options(msgspec.Struct, frozen=True):
    """What detect is set to."""

    fast: int
    slow: int
    anomaly_percent: Decimal
    quiet_after_seconds: int


class RulesInForce(Protocol):
    """All rules, as this container knows them: up to half a minute old."""

    def __call__(self) -> Sequence[Rule]:
        """All of them."""

    def now(self, symbol: str) -> Sequence[Rule]:
        """Those that concern a symbol, as they are at this moment."""


class Detect:
    """The service behind the table's stream; one a container.

    It keeps the states that it wrote: the version under which the next one is written tells whether
    another invocation wrote since, and only then is the state read again. A state that was not used
    for KEPT_SECONDS is read again too, since its symbol may have been forgotten meanwhile.
    """

    def __init__(
        self,
        stores: Stores,
        notifier: Notifier,
        rules: RulesInForce,
        options: Options,
        clock: Callable[[], datetime],
    ) -> None:
        self._stores = stores
        self._notifier = notifier
        self._rules = rules
        self._options = options
        self._clock = clock
        self._corrections = Corrections(stores.prices, stores.bars)
        self._kept: dict[str, tuple[State, float]] = {}

    def __call__(self, triggers: Sequence[Trigger], owner: str) -> Detected:
        """Bring every symbol of the batch up to its newest complete record.

        `owner` names this invocation in claims. One symbol's failure does not touch the others.
        """
        spans = _spans(triggers)
        if not spans:
            return Detected(0, 0, 0, 0, 0, ())
        states = self._states([span.symbol for span in spans])
        rules = tuple(self._rules())

        def one(span: Trigger) -> Tally | None:
            return self._isolated(span, states.get(span.symbol), rules, owner)

        with ThreadPoolExecutor(min(PARALLEL_SYMBOLS, len(spans))) as pool:
            tallies = list(pool.map(one, spans))
        done = [tally for tally in tallies if tally is not None]
        failed = [span.identifier for span, tally in zip(spans, tallies, strict=True) if not tally]
        return Detected(
            symbols=len(spans),
            ticks=sum(tally.ticks for tally in done),
            late=sum(tally.late for tally in done),
            alerts=sum(tally.alerts for tally in done),
            sent=sum(tally.sent for tally in done),
            failed=tuple(failed),
        )

    def _states(self, symbols: Sequence[str]) -> dict[str, State]:
        """Those that are kept, which has them forgotten until they are written, and the stored."""
        kept = {name: held for name in symbols if (held := self._kept.pop(name, None))}
        oldest = time.monotonic() - KEPT_SECONDS
        found = {name: state for name, (state, since) in kept.items() if since >= oldest}
        missing = [name for name in symbols if name not in found]
        for at in range(0, len(missing), _LOOKUP):
            found |= self._stores.state.get_many(missing[at : at + _LOOKUP])
        if len(self._kept) > MAX_KEPT:
            self._kept.clear()
        return found

    def unlearn(self, symbol: str) -> None:
        """Read the symbol's state again with its next tick: it has been forgotten."""
        self._kept.pop(symbol, None)

    def _isolated(
        self, span: Trigger, state: State | None, rules: Sequence[Rule], owner: str
    ) -> Tally | None:
        """None where the symbol failed, for whatever reason: its records are to come again."""
        watch = Watch(rules_for(span.symbol, rules), self._options.fast, self._options.slow)
        try:
            return self._symbol(span, state or State(symbol=span.symbol), watch, owner)
        except Contended as error:
            log.info("%s is to be tried again: %s", span.symbol, error)
        except Exception:
            # Logged and reported to Lambda, which delivers again, bisects and at last keeps it.
            log.exception("%s failed; its records are to be delivered again", span.symbol)
        return None

    def _symbol(self, span: Trigger, state: State, watch: Watch, owner: str) -> Tally:
        tally = Tally()
        lost = 0
        while lost < TRIES:
            watch = self._agreed(state, watch)
            sent = self._notifier.drain(state.pending, owner, _timezone(state))
            tally = self._add(tally, sent)
            outcome, repaired = self._step(span, state, watch)
            # A repair is written down even where it left the state as it was: who has meanwhile
            # finished the hour or day that was running here must make this one look again.
            changed = repaired or outcome.state != state
            if changed and not self._stores.state.put(outcome.state):
                lost += 1
                state = self._stores.state.get(span.symbol) or State(symbol=span.symbol)
                continue
            pending = outcome.state.pending
            sent = self._notifier.deliver(pending, owner, _timezone(outcome.state))
            tally = self._add(tally, sent, outcome.taken, len(pending), repaired)
            version = state.version + int(changed)
            state = msgspec.structs.replace(outcome.state, version=version, pending=())
            self._kept[span.symbol] = state, time.monotonic()
            if state.last_timestamp >= span.newest or not outcome.taken:
                return tally
            span = msgspec.structs.replace(span, complete_from=just_after(state.last_timestamp))
        raise Contended(f"{span.symbol}: another invocation was faster {TRIES} times")

    def _agreed(self, state: State, watch: Watch) -> Watch:
        """The rules as they are now, where those of this container are not the ones that the state
        was last judged by: a rule that another container knows already, or knows no more."""
        known = {rule.rule_id: rule.fingerprint for rule in watch.rules}
        if all(known.get(name) == latch.fingerprint for name, latch in state.latches.items()):
            return watch
        rules = rules_for(state.symbol, self._rules.now(state.symbol))
        return msgspec.structs.replace(watch, rules=rules)

    def _step(self, span: Trigger, state: State, watch: Watch) -> tuple[Outcome, bool]:
        """Everything up to writing the state: read, fold, repair, put bars."""
        ticks = self._new_ticks(span, state)
        history = ClosesBefore(self._stores.bars, span.symbol)
        outcome = advance(state, ticks, watch, self._quiet, history)
        after, timezone = outcome.state, _timezone(outcome.state)
        repaired = bool(state.last) and span.complete_from <= state.last_timestamp
        clashes = self._corrections.put_all(outcome.closed, span.ingested_at)
        if repaired:
            through = min(span.newest, state.last_timestamp)
            after = self._corrections.repair(after, span.complete_from, through, span.ingested_at)
        if clashes:
            after = self._corrections.settle(after, clashes, span.ingested_at)
        outcome = msgspec.structs.replace(outcome, state=after)
        self._corrections.put_hours(span.symbol, timezone, outcome.hours, span.ingested_at)
        if outcome.split is not None:
            log.warning("%s: a split, %s", span.symbol, outcome.split)
            self._stores.symbols.note_split(span.symbol, outcome.split)
        return outcome, repaired

    def _new_ticks(self, span: Trigger, state: State) -> list[Tick]:
        start = just_after(state.last_timestamp) if state.last else None
        end = just_after(span.newest)
        if start is not None and start >= end:
            return []
        page = self._stores.prices.ticks(span.symbol, start, end, limit=STEP, consistent=True)
        return [stored.tick for stored in page.rows]

    def _quiet(self, tick: Tick) -> str:
        """Live ticks older than their exchange's delay explains, and historical ones, alert
        nobody."""
        if tick.mode == "backfill":
            return "backfill"
        limit = timedelta(seconds=self._options.quiet_after_seconds)
        limit += source_delay(tick.symbol, tick.source)
        if tick.mode == "live" and self._clock() - from_text(tick.timestamp) > limit:
            return "old"
        return ""

    @staticmethod
    def _add(
        tally: Tally, sent: int, ticks: int = 0, alerts: int = 0, repaired: bool = False
    ) -> Tally:
        return Tally(
            ticks=tally.ticks + ticks,
            late=tally.late + int(repaired),
            alerts=tally.alerts + alerts,
            sent=tally.sent + sent,
        )


def _spans(triggers: Iterable[Trigger]) -> list[Trigger]:
    """One trigger a symbol: the first's identifier, the newest tick, the earliest complete_from."""
    spans: dict[str, Trigger] = {}
    for trigger in triggers:
        known = spans.get(trigger.symbol)
        if known is None:
            spans[trigger.symbol] = trigger
            continue
        spans[trigger.symbol] = Trigger(
            known.identifier,
            trigger.symbol,
            max(known.newest, trigger.newest),
            min(known.complete_from, trigger.complete_from),
            max(known.ingested_at, trigger.ingested_at),
        )
    return list(spans.values())


def _timezone(state: State) -> str | None:
    return state.last.exchange_timezone if state.last else None
