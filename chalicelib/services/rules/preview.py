"""Preview what a rule would have fired over a range of history, with the code that judges live."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from chalicelib.domain.alerts import Alert
from chalicelib.domain.detection import MAX_PENDING, State, Watch, advance, make_alert
from chalicelib.domain.errors import RuleError
from chalicelib.domain.folding import label
from chalicelib.domain.rules import ANY_SYMBOL, Rule
from chalicelib.domain.running_closes import RunningCloses
from chalicelib.domain.splits import DatedClose, Split, adjusted_closes
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later
from chalicelib.domain.watching import Observation, RuleState, as_fired, judge
from chalicelib.services.bars.closes import ClosesBefore
from chalicelib.services.rules.closed_bars import ClosedBars, LastPart, TimeIsUp
from chalicelib.services.rules.last_ticks import LastTicks
from chalicelib.services.stores import Close, Stores

if TYPE_CHECKING:
    from chalicelib.services.rules.when_preview import Judgement

MAX_BARS = 150_000
MAX_TICKS = 50_000
MAX_ALERTS = 1_000
"""More than a year of 1m bars, and as many as one answer can hold and compute in its time."""

_PAGE = 2_000


class Previewed(msgspec.Struct, frozen=True):
    """The alerts that would have fired, in order.

    `judged` counts the prices that the rule was judged at. `complete` is false if a limit or the
    deadline was reached before the end of the range; `until` is the last time judged. `unknown`
    counts the prices at which a condition `when` was not known yet. `fired_at` has the label of
    each alert's bar, for ticks its timestamp.
    """

    alerts: tuple[Alert, ...]
    judged: int
    complete: bool
    until: str | None
    unknown: int = 0
    fired_at: tuple[str, ...] = ()


class Preview:
    """The preview service; reads bars for rules on bars, ticks for rules on ticks."""

    def __init__(
        self, stores: Stores, shown: Watch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stores = stores
        self._shown = shown
        self._clock = clock

    def __call__(
        self,
        rule: Rule,
        symbol: str,
        start: str | None,
        end: str | None,
        deadline: float = float("inf"),
    ) -> Previewed:
        """Judge `rule` for one symbol over `[start, end)`; None is an open end.

        It stops at the deadline, a time of the clock. Raises RuleError if the rule is for another
        symbol.
        """
        if rule.symbol not in (ANY_SYMBOL, symbol):
            raise RuleError("symbol", rule.symbol, f"{symbol} or *")
        rule = msgspec.structs.replace(rule, enabled=True)
        time_is_up = lambda: self._clock() >= deadline  # noqa: E731
        run = _Run(rule, symbol, self._watch(rule), time_is_up)
        if rule.when is not None:
            return self._when(rule, symbol, (start, end), run, time_is_up)
        if rule.interval == "tick":
            return run.over_ticks(
                self._warm_up(rule, symbol, start), self._ticks(symbol, start, end)
            )
        before = self._before(rule, symbol, start)
        state = self._stores.state.get(symbol) or State(symbol=symbol)
        closed = ClosedBars(self._stores, rule, state, time_is_up)
        parts = closed.last_parts(start, end, before[-1] if before else None)
        ticks = LastTicks(self._stores, symbol, rule.interval, state.timezone)
        window = _Window(before, state.splits, self._closes_shown(rule))
        try:
            return run.over_bars(parts, window, ticks)
        except TimeIsUp:
            return run.result(complete=False)

    def _when(
        self,
        rule: Rule,
        symbol: str,
        reach: tuple[str | None, str | None],
        run: _Run,
        time_is_up: Callable[[], bool],
    ) -> Previewed:
        """Preview a rule with `when`. Its modules are loaded for it."""
        from chalicelib.services.rules.when_preview import WhenPreview

        state = self._stores.state.get(symbol) or State(symbol=symbol)
        preview = WhenPreview(self._stores, rule, state, self._watch(rule))
        if rule.interval == "tick":
            return run.over_judged(preview.over_ticks(self._ticks(symbol, *reach)), MAX_TICKS)
        before = self._before(rule, symbol, reach[0])
        closed = ClosedBars(self._stores, rule, state, time_is_up)
        parts = closed.last_parts(*reach, before[-1] if before else None)
        ticks = LastTicks(self._stores, symbol, rule.interval, state.timezone)
        return run.over_judged(preview.over_bars(parts, ticks), MAX_BARS)

    def _watch(self, rule: Rule) -> Watch:
        return Watch((rule,), self._shown.fast, self._shown.slow)

    def _before(self, rule: Rule, symbol: str, start: str | None) -> list[DatedClose]:
        if start is None:
            return []
        history = ClosesBefore(self._stores.bars, symbol)
        count = self._closes_shown(rule)
        return [row.dated for row in history(rule.interval, start, start, count)]

    def _closes_shown(self, rule: Rule) -> int:
        """Return how many closes before a bar the rule and the shown averages use."""
        return max(rule.closes_to_begin, self._shown.slow)

    def _warm_up(self, rule: Rule, symbol: str, start: str | None) -> list[Tick]:
        if start is None:
            return []
        depth = self._watch(rule).depth
        page = self._stores.prices.ticks(symbol, None, start, limit=depth, descending=True)
        return [stored.tick for stored in reversed(page.rows)]

    def _ticks(self, symbol: str, start: str | None, end: str | None) -> Iterator[list[Tick]]:
        while True:
            page = self._stores.prices.ticks(symbol, start, end, limit=_PAGE, most=5 * _PAGE)
            yield [stored.tick for stored in page.rows]
            if page.next_key is None:
                return
            start = just_after(page.next_key)


class _Window:
    """The newest `depth` closes before a bar and its own, adjusted for the splits up to the bar's
    session, as in live detection."""

    def __init__(self, before: Iterable[DatedClose], splits: Sequence[Split], depth: int) -> None:
        self._dated = deque(before, maxlen=depth)
        self._splits = splits
        self._date = ""
        self.known: list[Split] = []
        self.closes = RunningCloses(close for _, close in self._dated)

    def add(self, bar: Close) -> None:
        """Advance to the next bar."""
        if bar.date != self._date:
            self._open(bar.date)
        self.closes.keep(self._dated.maxlen or 0)
        self.closes.append(bar.close)
        self._dated.append((bar.date, bar.close))

    def _open(self, date: str) -> None:
        """Begin a session: a split may take effect in it."""
        self._date = date
        known = [split for split in self._splits if split.date <= date]
        if known != self.known:
            self.known = known
            self.closes = RunningCloses(adjusted_closes(self._dated, known))


class _Run:
    """One rule over one range."""

    def __init__(
        self, rule: Rule, symbol: str, watch: Watch, time_is_up: Callable[[], bool]
    ) -> None:
        self._rule = rule
        self._symbol = symbol
        self._watch = watch
        self._time_is_up = time_is_up
        self._alerts: list[Alert] = []
        self._judged = 0
        self._until: str | None = None
        self._unknown = 0
        self._fired_at: list[str] = []

    def over_judged(self, judged: Iterable[Judgement], most: int) -> Previewed:
        """Take the points at which a rule with `when` was judged."""
        try:
            for one in judged:
                self._unknown += not one.known
                self._take([one.alert] if one.alert else [], 1, one.label)
                if self._is_full(most):
                    return self.result(complete=False)
        except TimeIsUp:
            return self.result(complete=False)
        return self.result(complete=True)

    def over_ticks(self, warm_up: list[Tick], pages: Iterable[list[Tick]]) -> Previewed:
        """Judge ticks, with the code that detect runs, over any number of ticks."""
        unwatched = Watch((), self._watch.fast, self._watch.depth)
        state = advance(State(symbol=self._symbol), warm_up, unwatched, _suppress_nothing).state
        for page in pages:
            ticks = page
            while ticks:
                outcome = advance(state, ticks, self._watch, _suppress_nothing)
                state = outcome.state
                self._take(state.pending, outcome.taken, state.last_timestamp)
                ticks = ticks[outcome.taken :]
                if self._is_full(MAX_TICKS - MAX_PENDING):
                    return self.result(complete=False)
        return self.result(complete=True)

    def over_bars(self, parts: Iterable[LastPart], window: _Window, ticks: LastTicks) -> Previewed:
        """Judge the closed bars in order."""
        rule_state: RuleState | None = None
        for bar, session_before in parts:
            window.add(bar)
            observation = self._observation(bar, window, session_before)
            after, fires = judge(self._rule, rule_state, self._latest(observation, bar))
            if fires:  # only now does the bar's last tick matter: for the alert's time and cooldown
                observation = _with_last_tick(observation, ticks.tick_of(bar))
                after, fires = judge(self._rule, rule_state, observation)
            rule_state = after
            alerts = [self._alert(as_fired(self._rule, after), observation)] if fires else []
            self._take(alerts, 1, observation.scope)
            if self._is_full(MAX_BARS):
                return self.result(complete=False)
        return self.result(complete=True)

    def _observation(
        self, bar: Close, window: _Window, session_before: DatedClose | None
    ) -> Observation:
        """Return the observation of a bar, without reading its last tick."""
        previous = adjusted_closes([session_before] if session_before else [], window.known)
        start = label(bar.start, self._rule.interval)
        return Observation(
            timestamp=start,
            price=bar.close,
            previous_price=window.closes[-2] if len(window.closes) > 1 else None,
            previous_close=previous[0] if previous else None,
            session=bar.date,
            scope=start,
            closes=window.closes,
            split=window.known[-1].date if window.known else "",
        )

    def _latest(self, observation: Observation, part: Close) -> Observation:
        """Return the observation with the latest time that the bar's last tick may have, so that no
        cooldown hides an alert."""
        if not self._rule.cooldown_seconds:
            return observation
        return msgspec.structs.replace(observation, timestamp=later(part.start, days=2))

    def _alert(self, rule: Rule, observation: Observation) -> Alert:
        tick = Tick(
            symbol=self._symbol,
            timestamp=observation.timestamp,
            price=observation.price,
            previous_close=observation.previous_close,
        )
        return make_alert(rule, observation, tick, self._watch, "preview")

    def _take(self, alerts: Iterable[Alert], judged: int, until: str) -> None:
        found = list(alerts)
        on_ticks = self._rule.interval == "tick"
        self._alerts += found
        self._fired_at += [alert.timestamp if on_ticks else until for alert in found]
        self._judged += judged
        self._until = until

    def _is_full(self, most: int) -> bool:
        return self._judged >= most or len(self._alerts) >= MAX_ALERTS or self._time_is_up()

    def result(self, *, complete: bool) -> Previewed:
        alerts = tuple(self._alerts[:MAX_ALERTS])
        fired_at = tuple(self._fired_at[:MAX_ALERTS])
        return Previewed(alerts, self._judged, complete, self._until, self._unknown, fired_at)


def _suppress_nothing(_tick: Tick) -> str:
    """Suppress nothing: a preview sends nothing."""
    return ""


def _with_last_tick(observation: Observation, tick: Tick | None) -> Observation:
    """Return an observation with the time and previous close of the bar's last tick, if there is
    one."""
    if tick is None:
        return observation
    return msgspec.structs.replace(
        observation, timestamp=tick.timestamp, previous_close=tick.previous_close
    )
