"""Evaluate a rule for a preview: the alerts that it finds, and the position that it reaches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from chalicelib.domain.alerts import Alert
from chalicelib.domain.detection import MAX_PENDING, State, Watch, advance, make_alert
from chalicelib.domain.folding import label
from chalicelib.domain.rules import Rule
from chalicelib.domain.running_closes import RunningCloses
from chalicelib.domain.splits import DatedClose, Split, adjusted_closes
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import later
from chalicelib.domain.watching import Observation, RuleState, as_fired, in_force, judge
from chalicelib.services.bars.time_limits import TimeIsUp
from chalicelib.services.rules.closed_bars import LastPart
from chalicelib.services.rules.last_ticks import LastTicks
from chalicelib.services.stores import Close

if TYPE_CHECKING:
    from chalicelib.services.rules.when_preview import Judgement

MAX_BARS = 150_000
MAX_TICKS = 50_000
MAX_ALERTS = 1_000
"""The limits of one preview. MAX_BARS is more than a year of 1m bars. MAX_ALERTS fit into an
answer. The other limits keep a preview within the time of an answer."""


class Position(msgspec.Struct, frozen=True):
    """The position that a preview reached: the label of its last bar, or the timestamp of its last
    tick. It includes what the rule remembers and, on bars, the last close of the session before."""

    until: str
    rule_state: RuleState
    close_before: DatedClose | None = None


class Previewed(msgspec.Struct, frozen=True):
    """The alerts that a rule would have fired, in order.

    `judged` counts the prices at which the rule was evaluated. `unknown` counts those at which a
    condition `when` was not known yet. If a limit or the deadline was reached before the end of the
    range, the preview is not `complete`. The next preview continues at `position`, which is None if
    the rule was not evaluated. `fired_at` has the label of each alert's bar; for ticks, the tick's
    timestamp.
    """

    alerts: tuple[Alert, ...]
    judged: int
    complete: bool
    position: Position | None
    unknown: int = 0
    fired_at: tuple[str, ...] = ()

    @property
    def until(self) -> str | None:
        """Return the label or timestamp of the last evaluation; None if there was none."""
        return self.position.until if self.position is not None else None

    def joined(self, more: Previewed) -> Previewed:
        """Return this preview and its continuation `more` as one."""
        return Previewed(
            self.alerts + more.alerts,
            self.judged + more.judged,
            more.complete,
            more.position,
            self.unknown + more.unknown,
            self.fired_at + more.fired_at,
        )


class Window:
    """The close of a bar and the newest `depth` closes before it. They are adjusted for the splits
    up to the bar's session, as in live detection."""

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
        """Begin a session. A split may take effect in it."""
        self._date = date
        known = [split for split in self._splits if split.date <= date]
        if known != self.known:
            self.known = known
            self.closes = RunningCloses(adjusted_closes(self._dated, known))


class PreviewRun:
    """Evaluates one rule over one range. `since` is the position that an earlier preview
    reached."""

    def __init__(
        self,
        rule: Rule,
        symbol: str,
        watch: Watch,
        time_is_up: Callable[[], bool],
        since: Position | None,
        *,
        is_in_force: bool,
    ) -> None:
        self._rule = rule
        self._symbol = symbol
        self._watch = watch
        self._time_is_up = time_is_up
        self._alerts: list[Alert] = []
        self._judged = 0
        self.position = since
        self.is_in_force = is_in_force and since is None
        self._unknown = 0
        self._fired_at: list[str] = []

    def close_before(self, closes: Sequence[DatedClose]) -> DatedClose | None:
        """Return the last of `closes`, which is the last close before the range. If an earlier
        preview is continued, return the last close of the session before its last bar."""
        if self.position is not None:
            return self.position.close_before
        return closes[-1] if closes else None

    def not_judged(self, parts: Iterable[LastPart]) -> Iterator[LastPart]:
        """Yield the bars that follow the last bar of the earlier preview; without one, all bars."""
        begun = self.position.until if self.position is not None else ""
        return (part for part in parts if label(part[0].start, self._rule.interval) > begun)

    def over_judged(self, judged: Iterable[Judgement], most: int) -> Previewed:
        """Return the preview of a rule with `when`. It takes at most `most` of the rule's
        evaluations."""
        try:
            for one in judged:
                self._unknown += not one.known
                position = Position(one.label, one.rule_state, one.close_before)
                self._take([one.alert] if one.alert else [], 1, position)
                if self._is_full(most):
                    return self.result(complete=False)
        except TimeIsUp:
            return self.result(complete=False)
        return self.result(complete=True)

    def over_ticks(self, warm_up: list[Tick], pages: Iterable[list[Tick]]) -> Previewed:
        """Evaluate the rule on at most about MAX_TICKS ticks, with the code of detect. `warm_up`
        has the ticks before them."""
        unwatched = Watch((), self._watch.fast, self._watch.depth)
        state = advance(State(symbol=self._symbol), warm_up, unwatched, _suppress_nothing).state
        name = self._rule.rule_id
        begun = self.position.rule_state if self.position is not None else None
        if self.is_in_force:
            begun = in_force(self._rule, warm_up[-1].price if warm_up else None, None)
        if begun is not None:
            state = msgspec.structs.replace(state, rule_states={name: begun})
        for page in pages:
            ticks = page
            while ticks:
                outcome = advance(state, ticks, self._watch, _suppress_nothing)
                state = outcome.state
                known = dict(state.rule_states)
                rule_state = known.get(name) or RuleState(self._rule.fingerprint)
                position = Position(state.last_timestamp, rule_state)
                self._take(state.pending, outcome.taken, position)
                ticks = ticks[outcome.taken :]
                if self._is_full(MAX_TICKS - MAX_PENDING, MAX_PENDING):
                    return self.result(complete=False)
        return self.result(complete=True)

    def over_bars(self, parts: Iterable[LastPart], window: Window, ticks: LastTicks) -> Previewed:
        """Evaluate the rule on at most MAX_BARS closed bars, in order. `window` has the closes
        before them. If a bar fires, `ticks` finds its last tick."""
        rule_state = self.position.rule_state if self.position is not None else None
        begun = self.position.until if self.position is not None else ""
        for bar, session_before in parts:
            window.add(bar)
            observation = self._observation(bar, window, session_before)
            if observation.scope <= begun:
                continue
            if self.is_in_force and rule_state is None:
                rule_state = in_force(self._rule, observation.previous_price, None)
            after, fires = judge(self._rule, rule_state, self._latest(observation, bar))
            if fires:  # the alert's time and the cooldown depend on the bar's last tick
                observation = _with_last_tick(observation, ticks.tick_of(bar))
                after, fires = judge(self._rule, rule_state, observation)
            rule_state = after
            alerts = [self._alert(as_fired(self._rule, after), observation)] if fires else []
            self._take(alerts, 1, Position(observation.scope, after, session_before))
            if self._is_full(MAX_BARS):
                return self.result(complete=False)
        return self.result(complete=True)

    def _observation(
        self, bar: Close, window: Window, session_before: DatedClose | None
    ) -> Observation:
        """Return the observation of a bar, made without reading the bar's last tick."""
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
        """Return the observation with the latest time that the bar's last tick may have. A cooldown
        that may be over by then does not hide an alert."""
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

    def _take(self, alerts: Iterable[Alert], judged: int, position: Position) -> None:
        found = list(alerts)
        on_ticks = self._rule.interval == "tick"
        self._alerts += found
        self._fired_at += [alert.timestamp if on_ticks else position.until for alert in found]
        self._judged += judged
        self.position = position

    def _is_full(self, most: int, next_alerts: int = 1) -> bool:
        """Return whether to stop, since a limit is reached. The next step may find `next_alerts`
        alerts."""
        has_no_room = len(self._alerts) + next_alerts > MAX_ALERTS
        return self._judged >= most or has_no_room or self._time_is_up()

    def result(self, *, complete: bool) -> Previewed:
        """Return what the preview has found up to here."""
        found = tuple(self._alerts)
        return Previewed(
            found, self._judged, complete, self.position, self._unknown, tuple(self._fired_at)
        )


def _suppress_nothing(_tick: Tick) -> str:
    """Return "", so that no alert is suppressed. A preview sends none anyway."""
    return ""


def _with_last_tick(observation: Observation, tick: Tick | None) -> Observation:
    """Return an observation with the time and the previous close of the bar's last tick. Without a
    tick, return it unchanged."""
    if tick is None:
        return observation
    return msgspec.structs.replace(
        observation, timestamp=tick.timestamp, previous_close=tick.previous_close
    )
