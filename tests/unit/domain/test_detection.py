from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import State, Watch, advance, averages, rules_for
from chalicelib.domain.rules import Rule, default_rules
from chalicelib.domain.ticks import Tick
from tests.factories import make_rule, make_tick, make_ticks
from tests.oracles.crosses import crosses

WATCH = Watch(default_rules(2, 4, Decimal(5), every_tick=True), fast=2, slow=4)
PRICES = [5, 5, 5, 5, 6, 7, 5, 3, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 1, 9, 9, 1, 1, 9]


def loud(tick: Tick) -> str:
    return ""


def run(
    ticks: Sequence[Tick], watch: Watch = WATCH, size: int | None = None
) -> tuple[State, list[Bar], list[Alert]]:
    """The state, bars and alerts of ticks that are folded in batches of `size`."""
    state = State(symbol="AAPL")
    bars: list[Bar] = []
    alerts: list[Alert] = []
    size = size or len(ticks)
    for at in range(0, len(ticks), size):
        left = list(ticks[at : at + size])
        while left:
            outcome = advance(state, left, watch, loud)
            state, left = outcome.state, left[outcome.taken :]
            bars += outcome.closed
            alerts += state.pending
    return state, bars, alerts


def test_crosses_are_found_wherever_in_a_run_they_lie() -> None:
    ticks = make_ticks(PRICES)
    _, _, alerts = run(ticks)
    expected = [(ticks[c.position].timestamp, c.kind) for c in crosses(PRICES, 2, 4)]
    assert len(expected) >= 4
    assert [(alert.timestamp, alert.condition) for alert in alerts] == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 23])
def test_how_ticks_are_split_into_runs_changes_nothing(size: int) -> None:
    ticks = make_ticks(PRICES, step=17, volume=1, previous_close=5)
    whole, parts = run(ticks), run(ticks, size=size)
    assert parts[1:] == whole[1:]
    for field in ("last", "minute", "day", "closes", "rule_states"):
        assert getattr(parts[0], field) == getattr(whole[0], field)


def test_an_alert_carries_the_figures_that_it_was_judged_by() -> None:
    _, _, alerts = run(make_ticks([100, 100, 100, 100, 99, 106], previous_close=100))
    by_condition = {alert.condition: alert for alert in alerts}
    assert by_condition["change_percent"].values == {
        "value": 5,
        "previous_close": 100,
        "change": 6,
        "change_percent": 6,
        "sma_2": Decimal("102.5"),
        "sma_4": Decimal("101.25"),
    }
    assert "SMA-2 rose above SMA-4" in by_condition["golden_cross"].message


def test_an_alerts_identity_is_its_rule_symbol_and_tick() -> None:
    _, _, first = run(make_ticks(PRICES))
    _, _, again = run(make_ticks(PRICES), size=1)
    assert [alert.alert_id for alert in first] == [alert.alert_id for alert in again]
    assert len({alert.alert_id for alert in first}) == len(first)


def test_a_big_change_alerts_once_a_session() -> None:
    ticks = make_ticks([106, 100, 107, 94], previous_close=100)
    _, _, alerts = run(ticks)
    told = [a.timestamp for a in alerts if a.condition == "change_percent"]
    assert told == [ticks[0].timestamp]


def test_a_quiet_tick_alerts_with_its_reason() -> None:
    ticks = make_ticks([106], previous_close=100)
    outcome = advance(State(symbol="AAPL"), ticks, WATCH, lambda tick: "old")
    assert [alert.quiet for alert in outcome.state.pending] == ["old"]


def test_a_rule_that_does_not_notify_is_recorded_only() -> None:
    watch = Watch((make_rule("every_record", value=None, notify=False),))
    outcome = advance(State(symbol="AAPL"), make_ticks([1]), watch, loud)
    assert [alert.quiet for alert in outcome.state.pending] == ["record only"]


def test_an_alert_has_the_severity_of_its_rule_which_the_state_omits_if_it_is_normal() -> None:
    for severity, stored in (("urgent", b'"severity":"urgent"'), ("normal", b"")):
        watch = Watch((make_rule("every_record", value=None, severity=severity),))
        state = advance(State(symbol="AAPL"), make_ticks([1]), watch, loud).state
        assert [alert.severity for alert in state.pending] == [severity]
        written = msgspec.json.encode(state.pending)
        assert stored in written
        assert (b"severity" in written) == (severity == "urgent")


@pytest.mark.parametrize(
    "rule",
    [
        make_rule("every_record", value=None, enabled=False),
        make_rule("every_record", value=None, expires_at=make_tick(1, 0).timestamp),
    ],
)
def test_a_rule_that_is_off_or_expired_fires_nowhere(rule: Rule) -> None:
    outcome = advance(State(symbol="AAPL"), make_ticks([1, 2]), Watch((rule,)), loud)
    assert outcome.state.pending == ()


def test_a_run_stops_short_when_too_many_alerts_are_pending() -> None:
    watch = Watch((make_rule("every_record", value=None),))
    outcome = advance(State(symbol="AAPL"), make_ticks(range(1, 151)), watch, loud)
    assert outcome.taken == len(outcome.state.pending) == 100


def test_a_state_keeps_as_many_prices_as_its_rules_need() -> None:
    state, _, _ = run(make_ticks(range(1, 50)))
    assert state.closes == (46, 47, 48, 49)


def test_latches_of_rules_that_are_gone_are_forgotten() -> None:
    state, _, _ = run(make_ticks(PRICES))
    assert set(state.rule_states) == {rule.rule_id for rule in WATCH.rules}
    after = advance(state, make_ticks([1], start=100), Watch(()), loud)
    assert after.state.rule_states == {}


def test_rules_for_all_and_for_the_symbol_concern_it() -> None:
    rules = [make_rule(rule_id=name, symbol=name.upper()) for name in ("b", "a")]
    everybody = make_rule(rule_id="c", symbol="*")
    assert [rule.rule_id for rule in rules_for("A", [everybody, *rules])] == ["a", "c"]


def test_averages_are_shown_when_enough_prices_are_there() -> None:
    closes = [Decimal(price) for price in (1, 2, 4)]
    assert averages(closes, 2, 4) == {"sma_2": 3}
    assert averages(closes, 2, 3) == {"sma_2": 3, "sma_3": Decimal("2.33333333")}


def test_rules_that_are_switched_off_fill_no_state() -> None:
    state, off = State(symbol="AAPL"), list[Rule]()
    on = make_rule("every_record", rule_id="on", value=None)
    for half in range(8):
        new = [make_rule("every_record", rule_id=f"{half}-{n}", value=None) for n in range(49)]
        rules = (on, *off, *new) if half % 2 else (on, *off)
        tick = make_tick(1, 60 * half)
        state = advance(state, [tick], Watch(rules), lambda _: "").state
        off += [msgspec.structs.replace(rule, enabled=False) for rule in new]
        assert len(state.rule_states) <= 50
        assert "on" in state.rule_states
