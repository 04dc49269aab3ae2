"""Judges rules on bars: once at the close of each bar of the rule's interval, in regular hours.

A bar closes at the first tick after it. A day also closes at the first tick after its session's
close. A bar's close is its last regular tick. Earlier closes come from history, which is read only
if a rule watches the bar that closes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain.bar_closes import BarClose, CloseSeries, StoredCloses
from chalicelib.domain.building import SessionPlace, place_of
from chalicelib.domain.folding import BASE_OF, MINUTES, label
from chalicelib.domain.rules import Rule
from chalicelib.domain.splits import Split, adjusted, adjusted_closes
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text
from chalicelib.domain.watching import Observation, RuleState, is_followed, known_to

Spot = tuple[SessionPlace, str]
"""A tick's place and timestamp."""


def label_of(place: SessionPlace, interval: str) -> str:
    """Return the label of the bar of `interval` that contains a tick at `place`."""
    if interval == "1m" or interval in MINUTES:
        return label(place.minute, interval)
    if interval == "1h":
        return place.hour.start
    return label(f"{place.date}T00:00:00.000000Z", interval)


def has_closed(interval: str, mark: SessionPlace, place: SessionPlace, instant: str) -> bool:
    """Return whether the bar that contains `mark` is over at a tick with this `place` and
    `instant`."""
    if label_of(mark, interval) != label_of(place, interval):
        return True
    return interval == "1d" and place.extended and from_text(instant) > mark.session.close


class _Closed(CloseSeries):
    """The bars of one interval that close in a run of ticks.

    `last` is the label of the newest of these bars, and `at` the timestamp of its close. A later
    regular price, such as the closing auction's, may replace the close after the bar was judged.
    """

    last = at = ""


class BarWatch:
    """Makes one observation for each bar that closes during a run of ticks.

    `rule_states` say which bars earlier runs closed. Ticks outside the session all follow the same
    regular bar; once it has closed, no history is read for them.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        history: StoredCloses,
        splits: Sequence[Split],
        rule_states: Mapping[str, RuleState],
        ticks: Sequence[Tick],
        *,
        shown: int,
    ) -> None:
        """Prepare for a run's `ticks`.

        Observations have at least `shown` closes if there are that many. The averages in alerts
        therefore depend neither on other rules nor on the run.
        """
        self._shown = shown
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            if rule.interval != "tick":
                self._rules.setdefault(rule.interval, []).append(rule)
        self._history = history
        self.splits = splits
        self._rule_states = rule_states
        self._ticks = ticks
        self._closed: dict[str, _Closed] = {}
        self._minutes: Sequence[BarClose] | None = None

    def closing(
        self, tick: Tick, mark: SessionPlace, before: Spot, now: Spot
    ) -> dict[str, Observation]:
        """Return by interval the observations of bars that the new tick closes.

        `tick` is the last regular tick, at `mark`. The tick before the new one is at `before`, and
        the new tick at `now`.
        """
        found = {}
        for interval in self._rules:
            if not has_closed(interval, mark, *now):
                continue
            was_over = has_closed(interval, mark, *before)
            if self._closes_now(interval, mark, tick, was_over, now[1]):
                found[interval] = self._observation(interval, tick, mark, now[1])
        return found

    def _closes_now(
        self, interval: str, mark: SessionPlace, tick: Tick, was_over: bool, now: str
    ) -> bool:
        """Note the close of the bar around `mark`; return whether a rule must still be judged on
        the bar.

        False if this run has already closed the bar: a later regular tick then only replaces its
        close. Otherwise the rule states decide. For a new rule, a bar that `was_over` has already
        closed.
        """
        label = label_of(mark, interval)
        closed = self._closed.setdefault(interval, _Closed(label))
        part = "1m" if interval == "1h" else BASE_OF[interval]
        close = BarClose(label, label_of(mark, part), (mark.date, tick.price))
        if closed.last == label:
            if tick.timestamp > closed.at:
                closed.own[-1] = close
                closed.at = tick.timestamp
            return False
        closed.last, closed.at = label, tick.timestamp
        closed.own.append(close)
        rules = self._rules[interval]
        followed = (r for r in rules if is_followed(r, self._rule_states.get(r.rule_id), now))
        return any(self._is_due(rule, label, was_over) for rule in followed)

    def _is_due(self, rule: Rule, label: str, was_over: bool) -> bool:
        rule_state = self._known(rule)
        return not was_over if rule_state is None else rule_state.bar < label

    def _refine(self, hours: _Closed) -> None:
        """Apply historical minutes to the run's hours. Stored hours include these minutes, but the
        run's hours are stored only at the end of the run."""
        if self._minutes is None:
            end = place_of(self._ticks[-1]).minute
            stored = self._history("1m", hours.first, end, 0)
            self._minutes = [minute for minute in stored if minute.is_history]
        hours.refine(self._minutes)

    def _closes_for(self, rule: Rule, now: str) -> int:
        begins = rule.is_active(now) and self._known(rule) is None
        return rule.closes_to_begin if begins else rule.closes_needed

    def _known(self, rule: Rule) -> RuleState | None:
        return known_to(rule, self._rule_states.get(rule.rule_id))

    def _observation(self, interval: str, tick: Tick, mark: SessionPlace, now: str) -> Observation:
        needed = max(self._shown, *(self._closes_for(rule, now) for rule in self._rules[interval]))
        closed = self._closed[interval]
        if not closed.is_read:
            end = max(closed.first, label_of(place_of(self._ticks[-1]), interval))
            closed.read(self._history(interval, closed.first, end, needed))
        if interval == "1h" and len(closed.own) > 1:
            self._refine(closed)
        before = adjusted_closes(closed.before_last(needed), self.splits)
        price = adjusted(tick.price, mark.date, self.splits)
        close = tick.previous_close
        return Observation(
            timestamp=tick.timestamp,
            price=price,
            previous_price=before[-1] if before else None,
            previous_close=adjusted(close, mark.date, self.splits) if close else None,
            session=mark.date,
            scope=label_of(mark, interval),
            closes=[*before, price],
            split=self.splits[-1].date if self.splits else "",
        )
