"""Detection: applies a symbol's next ticks to its state, and returns the bars and alerts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from chalicelib.domain.alert_bounds import BOUNDLESS, MINUTE, AlertCount, Quiet, Room, Told
from chalicelib.domain.alerts import Alert
from chalicelib.domain.bar_closes import StoredCloses, no_history
from chalicelib.domain.bar_watching import BarWatch, Spot
from chalicelib.domain.bars import Bar
from chalicelib.domain.building import BarBuilder, Hour, SessionPlace, place_of
from chalicelib.domain.conditions import describe
from chalicelib.domain.exchange_delays import YAHOO_SOURCES
from chalicelib.domain.rules import ANY_SYMBOL, MAX_RULES, Rule, within_bound
from chalicelib.domain.running_closes import RunningCloses
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.sources import differ
from chalicelib.domain.splits import Split, adjusted, find_split, reported_split, with_split
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text
from chalicelib.domain.watching import (
    Observation,
    RuleState,
    as_fired,
    is_first,
    is_followed,
    judge,
    without_alert,
)

MAX_PENDING = 100
"""A run of ticks stops early at this number of pending alerts, which the state's item has to
hold."""

NAME_SPLITS = (*YAHOO_SOURCES, "alpaca")
"""Sources whose ticks report splits. No split is inferred from the prices of these sources."""

LONGEST_GAP = 99
"""The longest gap between ticks that a state records, in seconds."""


class Opening(msgspec.Struct, frozen=True, array_like=True):
    """The start of the last tick's session. `before` is the last regular price of earlier sessions,
    or their last price if none was regular. `closes` is how many of the newest prices belong to the
    session."""

    closes: int = 0
    before: Decimal | None = None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The state of detection for a symbol.

    last: the newest folded tick; gap: whole seconds (rounded up, 99 at most) since the tick before,
    0 if unknown; mark: the newest regular tick if it is not `last`; minute, day: the running bars;
    beside: the minute's bar of the other kind, regular or extended; closes: the newest prices,
    newest last, adjusted for all splits; rule_states: by rule; splits: the newest splits, in order;
    opening: None in a session that an older version began; pending: alerts that may not have been
    recorded yet, at most MAX_PENDING plus those of one tick; told: the alerts of the last tick's
    minute, None without any; version: the number of writes; repairs: the number of writes after
    bars were recomputed; unreadable: why the stored state could not be read and is empty here.
    """

    symbol: str
    version: int = 0
    repairs: int = 0
    last: Tick | None = None
    gap: int = 0
    mark: Tick | None = None
    minute: Bar | None = None
    beside: Bar | None = None
    day: Bar | None = None
    closes: tuple[Decimal, ...] = ()
    rule_states: Mapping[str, RuleState] = {}
    splits: tuple[Split, ...] = ()
    opening: Opening | None = None
    pending: tuple[Alert, ...] = ()
    told: Told | None = None
    unreadable: str = ""

    @property
    def last_timestamp(self) -> str:
        """Return the last tick's timestamp; empty, which sorts first, if there is no tick."""
        return self.last.timestamp if self.last else ""

    @property
    def last_fired(self) -> str:
        """Return the time of the newest alert in the rule states; empty if no rule has fired."""
        return max((rule_state.fired_at for rule_state in self.rule_states.values()), default="")

    @property
    def split(self) -> Split | None:
        """Return the last split; None if there is none."""
        return self.splits[-1] if self.splits else None

    @property
    def timezone(self) -> str | None:
        """Return the exchange's time zone that the last tick names."""
        return self.last.exchange_timezone if self.last else None

    @property
    def minutes(self) -> list[Bar]:
        """Return the running 1m bars in order: one bar, or a regular and an extended bar."""
        bars = [bar for bar in (self.minute, self.beside) if bar is not None]
        return sorted(bars, key=lambda bar: bar.key)

    def running(self, interval: str) -> list[Bar]:
        """Return in order the running bars of a stored interval. Empty for 1h, since readers fold
        the running hour from minutes."""
        if interval == "1m":
            return self.minutes
        return [self.day] if interval == "1d" and self.day else []


class Outcome(msgspec.Struct, frozen=True):
    """The result of a run of ticks.

    `closed` are finished 1m and 1d bars, and `hours` the finished hours, which are folded from
    minutes. `taken` is the number of used ticks. `split` is the split that this run saw, or None.
    `dropped` and `unsent` count by rule the alerts above the limits for recording and for sending.
    """

    state: State
    closed: tuple[Bar, ...]
    hours: tuple[Hour, ...]
    taken: int
    split: Split | None = None
    dropped: Mapping[str, int] = {}
    unsent: Mapping[str, int] = {}


class Watch(msgspec.Struct, frozen=True):
    """The rules that apply to one symbol, and the windows of the averages in alerts.

    At most MAX_RULES rules are judged, whatever is stored: `within_bound` selects them. Rules with
    `when` are judged by services/detect/when_rules.py, once the bars of a run are stored.
    """

    rules: tuple[Rule, ...]
    fast: int = 5
    slow: int = 20

    def __post_init__(self) -> None:
        if len(self.rules) > MAX_RULES:
            msgspec.structs.force_setattr(self, "rules", within_bound(self.rules)[0])

    @property
    def depth(self) -> int:
        """Return how many of the newest prices the rules on ticks and the averages need."""
        needed = [rule.closes_needed for rule in self.rules if rule.interval == "tick"]
        return max([self.slow, *needed])


def rules_for(symbol: str, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules that apply to a symbol, sorted by id.

    Earlier versions allowed a rule of the symbol and a rule for all symbols to have the same id. In
    that case the symbol's own rule counts.
    """
    mine = {rule.rule_id: rule for rule in rules if rule.symbol == ANY_SYMBOL}
    mine |= {rule.rule_id: rule for rule in rules if rule.symbol == symbol}
    return tuple(mine[rule_id] for rule_id in sorted(mine))


def advance(
    state: State,
    ticks: Sequence[Tick],
    watch: Watch,
    quiet: Quiet,
    history: StoredCloses = no_history,
    room: Room = BOUNDLESS,
) -> Outcome:
    """Fold ticks, in order and all later than `state.last`, into the state.

    Stops after MAX_PENDING alerts; `taken` of the outcome says after how many ticks. The new
    state's `pending` has only this run's alerts, as far as the room has places. The old state's
    pending alerts must have been recorded before the call.
    """
    count = AlertCount(state.told, quiet, room)
    run = _Run(state, watch, count, history, ticks)
    taken = 0
    for tick in ticks:
        run.take(tick)
        taken += 1
        if len(run.alerts) >= MAX_PENDING:
            break
    after = msgspec.structs.replace(run.state(), pending=tuple(run.alerts))
    closed, hours = tuple(run.builder.closed), tuple(run.builder.hours)
    return Outcome(after, closed, hours, taken, run.split, dict(count.dropped), dict(count.unsent))


class _Run:
    """Applies one run of ticks to a state."""

    def __init__(
        self,
        state: State,
        watch: Watch,
        count: AlertCount,
        history: StoredCloses,
        ticks: Sequence[Tick],
    ) -> None:
        self._before = state
        self._watch = watch
        self._rules = [rule for rule in watch.rules if rule.when is None]
        self._count = count
        self._rule_states = dict(state.rule_states)
        self._closes = RunningCloses(state.closes)
        self._mark, self._mark_place = _last_regular(state)
        self._bars = BarWatch(
            self._rules, history, state.splits, state.rule_states, ticks, shown=watch.slow
        )
        self._opening = state.opening
        self._previous: Tick | None = None
        self._splits = state.splits
        self.builder = BarBuilder(state.last, state.minutes, state.day)
        self.alerts: list[Alert] = []
        self.split: Split | None = None

    def take(self, tick: Tick) -> None:
        """Fold one tick: into bars, then into rules on bars that close, then into rules on
        ticks."""
        previous, before = self.builder.last, self.builder.place
        place = self.builder.add(tick)
        if previous is None or previous.timestamp[:MINUTE] != tick.timestamp[:MINUTE]:
            self._count.begin_minute()
        closing = {}
        if previous is not None and before is not None:
            self._previous = previous
            spots = (before, previous.timestamp), (place, tick.timestamp)
            closing = self._closing(*spots)
        for interval, observation in closing.items():
            self._judge(interval, observation, self._mark or tick, tick)
        if before is None or before.date != place.date:
            self._open(previous)
        split = self._split_at(tick, place)
        if split is not None:
            self._count_as_after(split)
        price = previous.price if previous else None
        if split is not None and price is not None and before is not None:
            price = adjusted(price, before.date, [split])
        self._judge_tick(tick, price, place)
        if not place.extended:
            self._mark, self._mark_place = tick, place

    def _judge_tick(self, tick: Tick, previous: Decimal | None, place: SessionPlace) -> None:
        """Judge the rules on ticks at a tick; `previous` is the price of the tick before."""
        self._closes.append(tick.price)  # cut later: new rules look further back
        observation = _observation(tick, previous, place, self._closes, self._splits)
        self._judge("tick", observation, tick, tick)
        self._closes.keep(self._watch.depth)
        if self._opening is not None:
            count = min(self._opening.closes + 1, len(self._closes))
            self._opening = Opening(count, self._opening.before)

    def state(self) -> State:
        """Return the state after the run, without pending alerts."""
        last = self.builder.last
        return State(
            symbol=self._before.symbol,
            version=self._before.version,
            repairs=self._before.repairs,
            last=last,
            gap=_gap(self._previous, last) if self._previous and last else self._before.gap,
            mark=None if self._mark == last else self._mark,
            minute=self.builder.minute,
            beside=self.builder.beside,
            day=self.builder.day,
            closes=tuple(self._closes),
            rule_states=self._remembered(),
            splits=self._splits,
            opening=self._opening,
            told=self._count.told,
        )

    def _remembered(self) -> dict[str, RuleState]:
        """Return the states of all enabled rules, and of disabled rules up to a total of MAX_RULES.
        Switching rules on and off therefore does not enlarge a state."""
        rules = sorted(self._watch.rules, key=lambda rule: not rule.enabled)
        known = [rule.rule_id for rule in rules if rule.rule_id in self._rule_states]
        on = sum(rule.enabled for rule in rules)
        return {name: self._rule_states[name] for name in known[: max(on, MAX_RULES)]}

    def _closing(self, before: Spot, now: Spot) -> dict[str, Observation]:
        if self._mark is None or self._mark_place is None:
            return {}
        return self._bars.closing(self._mark, self._mark_place, before, now)

    def _open(self, previous: Tick | None) -> None:
        """Start a session; `previous` is the last tick of earlier sessions."""
        last = self._mark or previous
        self._opening = Opening(0, last.price if last else None)

    def _split_at(self, tick: Tick, place: SessionPlace) -> Split | None:
        """Return the split that this tick is the first to report. None if the tick reports no
        split, or the session already has one."""
        known = self._splits[-1].date if self._splits else ""
        if known >= place.date or self._opening is None or self._opening.before is None:
            return None
        if tick.split is not None:
            return reported_split(place.date, tick.split, self._opening.before)
        if self._mark is None or self._mark_place is None:
            return None
        return _shown_split(self._mark, self._mark_place, tick, place)

    def _count_as_after(self, split: Split) -> None:
        """Adjust the prices of earlier sessions for a split that a tick has just reported."""
        self.split = split
        self._splits = self._bars.splits = with_split(self._splits, split)
        older = len(self._closes) - (self._opening.closes if self._opening else 0)
        before = [split.adjust(price) for price in self._closes[:older]]
        self._closes = RunningCloses([*before, *self._closes[older:]])

    def _judge(self, interval: str, observation: Observation, tick: Tick, newest: Tick) -> None:
        """Judge an interval's unexpired rules on an observation. `newest` is the new tick; alerts
        show the price of `tick`."""
        for rule in self._rules:
            rule_state = self._rule_states.get(rule.rule_id)
            if rule.interval != interval or not is_followed(rule, rule_state, newest.timestamp):
                continue
            after, fires = judge(rule, rule_state, observation)
            first = is_first(rule_state, after)
            if fires and not self._count.admits(rule, newest, is_first=first):
                after, fires = without_alert(rule, rule_state, after), False
            self._rule_states[rule.rule_id] = after
            if fires:
                reason = self._count.quiet(rule, newest)
                told = as_fired(rule, after)
                self.alerts.append(make_alert(told, observation, tick, self._watch, reason))


def _gap(before: Tick, last: Tick) -> int:
    seconds = (from_text(last.timestamp) - from_text(before.timestamp)).total_seconds()
    return min(LONGEST_GAP, math.ceil(seconds))


def _last_regular(state: State) -> tuple[Tick | None, SessionPlace | None]:
    if state.mark is not None:
        return state.mark, place_of(state.mark)
    if state.last is None:
        return None, None
    place = place_of(state.last)
    return (None, None) if place.extended else (state.last, place)


def _shown_split(mark: Tick, before: SessionPlace, tick: Tick, place: SessionPlace) -> Split | None:
    """Return the split that prices show; None if they show none.

    `mark` is the last regular tick before `tick`. `tick` is one of a session's ticks up to the
    first regular tick. Prices show nothing if the source's ticks name splits, or if the prices come
    from two sources. Before the open a source may still give an older previous close, so the price
    must agree, too.
    """
    if tick.source in NAME_SPLITS or tick.previous_close is None or place.date == before.date:
        return None
    if differ(mark.source, tick.source):
        return None
    if not _is_next_session(mark, before, place):
        return None
    split = find_split(place.date, mark.price, tick.previous_close)
    if split is None or (place.extended and split.is_unadjusted(tick.price)):
        return None
    return split


def _is_next_session(mark: Tick, before: SessionPlace, place: SessionPlace) -> bool:
    """Return whether no price is missing between `mark` and `place`. If a price is missing, a jump
    may be real. `mark` must be its session's last price, and `place` in the next session."""
    calendar = calendar_for(mark.symbol, mark.exchange_timezone)
    if calendar.next_session(before.session).date != place.session.date:
        return False
    return calendar.is_last_price(before.session, from_text(mark.timestamp))


def averages(closes: Sequence[Decimal], fast: int, slow: int) -> dict[str, Decimal]:
    """Return the simple averages for which there are enough prices, by names such as `sma_5`."""
    return {
        f"sma_{size}": (sum(closes[-size:], Decimal(0)) / size).quantize(
            Decimal("0.00000001"), ROUND_HALF_EVEN
        )
        for size in (fast, slow)
        if len(closes) >= size
    }


def _observation(
    tick: Tick,
    previous: Decimal | None,
    place: SessionPlace,
    closes: Sequence[Decimal],
    splits: Sequence[Split],
) -> Observation:
    return Observation(
        timestamp=tick.timestamp,
        price=tick.price,
        previous_price=previous,
        previous_close=tick.previous_close,
        session=place.date,
        scope=place.minute,
        closes=closes,
        split=splits[-1].date if splits else "",
    )


def make_alert(rule: Rule, observation: Observation, tick: Tick, watch: Watch, quiet: str) -> Alert:
    """Return the alert of a rule that fired at an observation; `rule` comes from `as_fired`.

    The alert's price is that of `tick`, adjusted for later splits.
    """
    given = {"price": observation.price, "previous_close": observation.previous_close}
    tick = msgspec.structs.replace(tick, **given)
    values = _values(rule, observation, tick, watch)
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
        quiet=quiet,
        channels=rule.channels,
        severity=rule.severity,
    )


def _values(rule: Rule, observation: Observation, tick: Tick, watch: Watch) -> dict[str, Decimal]:
    values: dict[str, Decimal] = {}
    if rule.value is not None:
        values["value"] = rule.value
    if tick.previous_close is not None:
        values["previous_close"] = tick.previous_close
        values["change"] = tick.price - tick.previous_close
        values["change_percent"] = _percent(tick.price, tick.previous_close)
    if rule.condition == "moving_percent" and rule.window:
        values["moved_percent"] = _percent(tick.price, observation.closes[-rule.closes_needed])
    fast, slow = rule.fast or watch.fast, rule.slow or watch.slow
    return values | averages(observation.closes, fast, slow)


def _percent(price: Decimal, reference: Decimal) -> Decimal:
    return ((price - reference) * 100 / reference).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
