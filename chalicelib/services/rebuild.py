"""Rebuild: a symbol's bars and state computed again from its prices, without a word to anybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import Hour
from chalicelib.domain.detection import Outcome, State, Watch, advance, rules_for
from chalicelib.domain.errors import Contended
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later, minute_of
from chalicelib.domain.watching import Latch
from chalicelib.services.bar_writing import BarWriter
from chalicelib.services.closes import ClosesBefore
from chalicelib.services.priced import StoredTick
from chalicelib.services.stores import Stores

STEP = 1000
TRIES = 20
SILENT = "rebuild"


class Rebuilt(msgspec.Struct, frozen=True):
    """How many ticks were folded, and how many bars differed from what was stored."""

    symbol: str
    ticks: int
    bars: int


class Rebuild:
    """The service behind repair. It may run beside detect: bars are put under their conditions,
    the state under its version."""

    def __init__(self, stores: Stores, rules: Callable[[], Sequence[Rule]], shown: Watch) -> None:
        self._stores = stores
        self._rules = rules
        self._shown = shown
        self._writer = BarWriter(stores.bars)

    def __call__(self, symbol: str, start: str | None = None) -> Rebuilt:
        """Compute the state, and the bars that end after `start`, from all prices there are.

        No alert is recorded or sent; those that the state has as pending stay so, and a rule
        has fired last when the state says so, where it knows the rule. Folds no further than
        detect has come, or as far as prices go where there is no state. Raises Contended.
        """
        watch = Watch(rules_for(symbol, self._rules()), self._shown.fast, self._shown.slow)
        fold = _Fold(self._stores, self._writer, symbol, watch, start)
        for _ in range(TRIES):
            old = self._stores.state.get(symbol)
            fold.through(old.last_timestamp if old else None)
            if not fold.ticks:
                break
            if self._stores.state.put(_in_place_of(old, fold.state)):
                return Rebuilt(symbol, fold.ticks, fold.bars)
        if fold.ticks:
            raise Contended(f"{symbol}: detect was faster {TRIES} times")
        return Rebuilt(symbol, 0, 0)


class _Fold:
    """A state that grows from nothing, tick by tick, and puts the bars that it finishes."""

    def __init__(
        self,
        stores: Stores,
        writer: BarWriter,
        symbol: str,
        watch: Watch,
        start: str | None,
    ) -> None:
        self.state = State(symbol=symbol)
        self.ticks = 0
        self.bars = 0
        self._prices = stores.prices
        self._bars = stores.bars
        self._writer = writer
        self._watch = watch
        self._history = ClosesBefore(stores.bars, symbol)
        self._start = start or ""
        self._edge = ""

    def through(self, last: str | None) -> None:
        """Go on up to and with the tick at `last`, or to the end."""
        end = just_after(last) if last else None
        while True:
            start = just_after(self.state.last_timestamp) if self.state.last else None
            if start is not None and end is not None and start >= end:
                return
            page = self._prices.ticks(self.state.symbol, start, end, limit=STEP, consistent=True)
            self._take(page.rows)
            if page.next_key is None:
                return

    def _take(self, rows: Sequence[StoredTick]) -> None:
        left: Sequence[Tick] = [stored.tick for stored in rows]
        if left and not self._edge:
            self._edge = minute_of(left[0].timestamp)
        while left:
            outcome = advance(self.state, left, self._watch, _silent, self._history)
            self.state = msgspec.structs.replace(outcome.state, pending=())
            self.ticks += outcome.taken
            left = left[outcome.taken :]
            self._put(outcome, rows[-1].ingested_at)

    def _put(self, outcome: Outcome, arrival: str) -> None:
        put = self._writer.put_differing
        minutes = [bar for bar in outcome.closed if bar.interval == "1m"]
        wanted = [bar for bar in minutes if bar.start >= minute_of(self._start or bar.start)]
        self.bars += put([bar for bar in wanted if not self._is_cut_off(bar)], "1m", arrival)
        self.bars += put(self._wanted_hours(outcome.hours), "1h", arrival)
        since = later(self._start, days=-1) if self._start else ""
        days = [bar for bar in outcome.closed if bar.interval == "1d" and bar.start > since]
        self.bars += put(days, "1d", arrival)

    def _wanted_hours(self, hours: Sequence[Hour]) -> list[Bar]:
        since = later(self._start, hours=-1) if self._start else ""
        timezone = self.state.last.exchange_timezone if self.state.last else None
        wanted = [hour for hour in hours if hour.start > since]
        return self._writer.folded(self.state.symbol, timezone, wanted)

    def _is_cut_off(self, bar: Bar) -> bool:
        """Whether the ticks before it may have expired, and a better bar is there."""
        if bar.start != self._edge:
            return False
        end = just_after(bar.key)
        return bool(self._bars.bars(bar.symbol, "1m", bar.key, end, limit=1).rows)


def _silent(_: Tick) -> str:
    return SILENT


def _in_place_of(old: State | None, new: State) -> State:
    """The new state under the old one's version, with what it has told and has still to tell."""
    if old is None:
        return new
    latches = {name: _told(old.latches.get(name), latch) for name, latch in new.latches.items()}
    return msgspec.structs.replace(new, version=old.version, pending=old.pending, latches=latches)


def _told(old: Latch | None, new: Latch) -> Latch:
    if old is None or old.fingerprint != new.fingerprint:
        return new
    return msgspec.structs.replace(new, fired_at=old.fired_at, fired_scope=old.fired_scope)
