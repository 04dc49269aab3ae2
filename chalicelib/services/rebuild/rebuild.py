"""Compute a symbol's bars and state again from its stored prices, without sending alerts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import Hour, hour_with, place_of
from chalicelib.domain.detection import Outcome, State, Watch, advance, rules_for
from chalicelib.domain.errors import Contended
from chalicelib.domain.rules import Rule
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, just_after, later, minute_of, to_text
from chalicelib.services.bars.closes import ClosesBefore
from chalicelib.services.bars.repair_reading import stored_bars
from chalicelib.services.bars.writing import BarWriter
from chalicelib.services.rebuild.losses import Losses
from chalicelib.services.rebuild.state import in_place_of
from chalicelib.services.stores import CROWDED_STEP, Stores

STEP = 1000
TRIES = 20
SILENT = "rebuild"


class Rebuilt(msgspec.Struct, frozen=True):
    """The number of ticks that were processed, and of bars that differed from the stored ones."""

    symbol: str
    ticks: int
    bars: int


class Rebuild:
    """The rebuild service. Detect may run in parallel, so bars and the state are written
    conditionally. If detect repairs bars after the prices were read, all bars are computed again. A
    rebuilt bar may by then have overwritten a repaired one. `rules` returns a symbol's current
    rules. Prices expire no sooner than `prices_days` after they arrived."""

    def __init__(
        self,
        stores: Stores,
        rules: Callable[[str], Sequence[Rule]],
        shown: Watch,
        prices_days: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._stores = stores
        self._rules = rules
        self._shown = shown
        self._prices_days = prices_days
        self._clock = clock
        self._writer = BarWriter(stores.bars)

    def __call__(self, symbol: str, start: str | None = None) -> Rebuilt:
        """Compute the state, and the bars that end after `start`, from all stored prices.

        No alert is recorded or sent. The state keeps its pending alerts and the times at which its
        rules last fired. A rule that the state does not know yet begins with the next price. Ticks
        are processed up to the last one that detect has processed; without a state, all are. Raises
        Contended.
        """
        try:
            return self._rebuilt(symbol, start)
        except BaseException:  # bars may have been put, but not the state
            self._stores.bars.mark_history([symbol], math.inf)
            raise

    def _rebuilt(self, symbol: str, start: str | None) -> Rebuilt:
        folds: list[_Fold] = []
        for _ in range(TRIES):
            old = self._stores.state.get(symbol)
            watch = self._watch(symbol)
            if not folds or not folds[-1].holds(old, watch):
                folds.append(self._fold(old or State(symbol=symbol), watch, start))
            if self._put(folds[-1], old):
                return Rebuilt(symbol, folds[-1].ticks, sum(fold.bars for fold in folds))
        raise Contended(f"{symbol}: detect was faster {TRIES} times; run it again")

    def _put(self, fold: _Fold, old: State | None) -> bool:
        """Continue a fold to the newest tick, and replace the old state with its state. Return
        False if detect has written a bar or the state meanwhile."""
        try:
            fold.through(old)
        except Contended:
            fold.outdated = True
            return False
        return not fold.ticks or self._stores.state.put(fold.in_place_of(old))

    def _watch(self, symbol: str) -> Watch:
        """Return the rules and averages to watch. Call this after reading the state: a rule that
        only the state has was then deleted."""
        rules = rules_for(symbol, self._rules(symbol))
        return Watch(rules, self._shown.fast, self._shown.slow)

    def _fold(self, old: State, watch: Watch, start: str | None) -> _Fold:
        expired_before = later(to_text(self._clock()), days=-self._prices_days)
        return _Fold(self._stores, self._writer, old, watch, start, expired_before)


class _Fold:
    """Processes a symbol's ticks in order, from the first on. Computes a state and puts finished
    bars.

    `old` is the stored state at the beginning.
    """

    def __init__(
        self,
        stores: Stores,
        writer: BarWriter,
        old: State,
        watch: Watch,
        start: str | None,
        expired_before: str,
    ) -> None:
        self.state = State(symbol=old.symbol)
        self.ticks = 0
        self.bars = 0
        self.outdated = False
        self._repairs = old.repairs
        self._prices = stores.prices
        self._bars = stores.bars
        self._writer = writer
        self.watch = watch
        self._start = start or ""
        self._expired_before = expired_before
        self._splits = old.splits
        self._losses: Losses | None = None
        self._arrival = ""
        self._seen = Counter[str]()
        self._regular = Counter[str]()

    def holds(self, stored: State | None, watch: Watch) -> bool:
        """Return whether the fold is still valid. Since it began, no bar was repaired, the rules
        did not change, and the stored state did not begin again."""
        if self.outdated or self.watch != watch or stored is None:
            return False
        known = self.state.last_timestamp <= stored.last_timestamp
        return known and stored.repairs == self._repairs

    def in_place_of(self, old: State | None) -> State:
        """Return the state that replaces the stored one. The fold must have ticks."""
        if old is None or self._losses is None:
            return self.state
        return in_place_of(old, self.state, self.watch, self._losses)

    def through(self, old: State | None) -> None:
        """Continue to the last tick of the stored state or, without a state, to the last price."""
        end = just_after(old.last.timestamp) if old and old.last else None
        while True:
            start = just_after(self.state.last_timestamp) if self.state.last else None
            if start is not None and end is not None and start >= end:
                return
            page = self._prices.ticks(
                self.state.symbol, start, end, limit=STEP, consistent=True, most=CROWDED_STEP
            )
            if page.rows:
                self._arrival = page.rows[-1].ingested_at
                self._begin(page.rows[0].tick)
                self.ticks += len(page.rows)
                self._take([stored.tick for stored in page.rows])
            if page.next_key is None:
                break
        if old is not None:
            self._take(self._expired(old))

    def _begin(self, first: Tick) -> None:
        """Begin the fold at the first price, unless it has begun. Splits up to that price are kept,
        since the remaining prices do not show them."""
        if self._losses is not None:
            return
        self._losses = Losses(self._bars, first, self._expired_before)
        begin = place_of(first).date
        splits = tuple(split for split in self._splits if split.date <= begin)
        self.state = msgspec.structs.replace(self.state, splits=splits)

    def _expired(self, old: State) -> list[Tick]:
        """Return the last ticks of the stored state if they have expired. They are missing in the
        prices, but the fold has to process them."""
        reached = self.state.last_timestamp
        known = [tick for tick in (old.mark, old.last) if tick is not None]
        return [tick for tick in known if "" < reached < tick.timestamp < self._expired_before]

    def _take(self, left: Sequence[Tick]) -> None:
        while left:
            history = ClosesBefore(self._bars, self.state.symbol)
            outcome = advance(self.state, left, self.watch, _silent, history)
            self.state = msgspec.structs.replace(outcome.state, pending=())
            left = left[outcome.taken :]
            self._put(outcome, self._arrival)

    def _put(self, outcome: Outcome, arrival: str) -> None:
        minutes = [bar for bar in outcome.closed if bar.interval == "1m"]
        for bar in minutes:
            self._seen[bar.session_date] += bar.ticks
            self._regular[bar.session_date] += 0 if bar.extended else bar.ticks
        if self._losses is not None:
            minutes = self._losses.without(minutes, minute_of(self.state.last_timestamp))
        wanted = [bar for bar in minutes if bar.start >= minute_of(self._start or bar.start)]
        put = self._writer.put_minutes(wanted, arrival, self._expired_before)
        self.bars += put.changed + len(put.gone)
        self._put_hours(outcome.hours, put.gone, arrival)
        self._writer.discard(put.gone, arrival)
        days = [bar for bar in outcome.closed if bar.interval == "1d" and self._wants(bar)]
        self.bars += self._writer.put_differing(days, "1d", arrival, self._fewer)
        self._discard_days()

    def _put_hours(self, finished: Sequence[Hour], gone: Sequence[Bar], arrival: str) -> None:
        since = later(self._start, hours=-1) if self._start else ""
        calendar = calendar_for(self.state.symbol, self.state.timezone)
        running = {hour_with(bar, calendar) for bar in self.state.minutes}
        emptied = {hour_with(bar, calendar) for bar in gone} - running
        hours = dict.fromkeys((hour for hour in finished if hour.start > since), False)
        hours |= dict.fromkeys(emptied, True)
        self.bars += self._writer.put_hours_of(
            self.state.symbol, self.state.timezone, hours, gone, arrival
        )

    def _discard_days(self) -> None:
        """Discard the daily bars of finished sessions that have no regular tick left."""
        if self.state.last is None:
            return
        running = place_of(self.state.last).date
        for date in [date for date in self._seen if date < running]:
            start = f"{date}T00:00:00.000000Z"
            if not self._regular[date] and date >= self._first_date:
                stored = stored_bars(self._bars, self.state.symbol, "1d", start, just_after(start))
                most = self._may_lose(date, 0)
                mine = [bar for bar in stored if 0 < bar.ticks <= most]
                self.bars += self._writer.discard(mine, self._arrival)
            del self._seen[date], self._regular[date]

    def _wants(self, day: Bar) -> bool:
        return day.session_date >= self._first_date

    @property
    def _first_date(self) -> str:
        """Return the date of the first session whose day ends after the start. If no start was
        given, return an empty text."""
        if not self._start:
            return ""
        calendar = calendar_for(self.state.symbol, self.state.timezone)
        return calendar.session_at(from_text(self._start)).date.isoformat()

    def _fewer(self, bar: Bar) -> int:
        """Return how many ticks a day's bar may have lost because they became regular or
        extended."""
        return self._may_lose(bar.session_date, bar.ticks)

    def _may_lose(self, date: str, ticks: int) -> int:
        return self._losses.allowed(date, ticks, self._seen[date]) if self._losses else 0


def _silent(_: Tick) -> str:
    return SILENT
