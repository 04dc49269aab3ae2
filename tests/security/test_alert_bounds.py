"""A symbol with more rules or alerts than allowed: detect continues with all symbols."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chalicelib import bootstrap, handlers
from chalicelib.adapters import events
from chalicelib.adapters.dynamodb import item_of
from chalicelib.adapters.rules import Rules
from chalicelib.bootstrap import Services
from chalicelib.domain import alert_bounds
from chalicelib.domain.alert_bounds import TOO_MANY, Told
from chalicelib.domain.detection import MAX_PENDING, State, Watch, advance, rules_for
from chalicelib.domain.rules import MAX_RULES, NEWER_DEFAULTS, Rule, beyond_bound
from chalicelib.domain.times import to_text
from chalicelib.services.rules.rule_book import RuleBook
from chalicelib.services.stores import MAX_REMOVED
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import (
    NEVER,
    LambdaContext,
    instant,
    kinesis_event,
    make_rule,
    make_tick,
    payload,
    wire,
)

STORED = 800
JUDGED = MAX_RULES - 3
"""The number of stored rules judged beside the default ones, which go first."""

LEFT_OUT = STORED - JUDGED + len(NEWER_DEFAULTS)


def hidden(number: int, symbol: str = "BIG") -> dict[str, Any]:
    """One of the attack's rules, as an earlier version stored it."""
    return item_of(
        kind="rule", symbol=symbol, rule_id=f"{number:064d}", condition="change_percent",
        value=Decimal("0.00000001"), trigger="once",
    )  # fmt: skip


@pytest.fixture
def attacked(monkeypatch: pytest.MonkeyPatch) -> tuple[Aws, Services]:
    aws = Aws()
    for number in range(STORED):
        aws.tables["rules"].put(hidden(number))
    services = Services(SETTINGS, lambda: instant(100), aws)
    monkeypatch.setattr(bootstrap, "get_services", lambda: services)
    return aws, services


def sent(services: Services, *ticks: dict[str, Any]) -> None:
    services.ingest(events.from_kinesis(kinesis_event([payload(tick) for tick in ticks])), NEVER)


def test_eight_hundred_rules_that_fire_at_one_tick_stop_no_symbol(
    attacked: tuple[Aws, Services], caplog: pytest.LogCaptureFixture
) -> None:
    aws, services = attacked
    services.stores.rules.write(services.stores.rules.table(), make_rule(
        "every_record", value=None, rule_id="small", symbol="SMALL"
    ))  # fmt: skip
    for name in ("BIG", "SMALL"):
        sent(services, wire(101, 0, symbol=name, previous_close=100))
    with caplog.at_level(logging.INFO):
        answer = handlers.detect({"Records": aws.stream}, LambdaContext())
    assert answer == {"batchItemFailures": []}
    alerts = [item["symbol"]["S"] for item in aws.tables["alerts"].items.values()]
    assert (alerts.count("BIG"), alerts.count("SMALL")) == (JUDGED, 1)
    counted = [record.counters for record in caplog.records if hasattr(record, "counters")]
    assert counted[-1]["RulesBroken"] == LEFT_OUT
    assert f"{LEFT_OUT} rules are not judged: beyond the 50" in caplog.text


def test_the_list_says_which_rules_are_not_judged_and_why(attacked: tuple[Aws, Services]) -> None:
    aws, services = attacked
    book = RuleBook(Rules(aws.dynamodb, "rules"), services.defaults)
    assert len(book.all()) == STORED + len(services.defaults)
    broken = book.broken()
    assert len(broken) == LEFT_OUT
    assert broken[-3].rule_id == f"{STORED - 1:064d}"
    assert [rule.rule_id for rule in broken[-2:]] == sorted(NEWER_DEFAULTS)
    assert broken[-1].problem.startswith("beyond the 50 enabled rules that may concern a symbol")
    judged = {rule.rule_id for rule in Watch(rules_for("BIG", services.rules())).rules}
    assert judged.isdisjoint(rule.rule_id for rule in broken)
    book.remove(broken[0].rule_id)
    store, left = services.stores.rules, [("BIG", rule.rule_id) for rule in broken[1:]]
    for at in range(0, len(left), MAX_REMOVED):
        assert store.write(store.table(), remove=left[at : at + MAX_REMOVED])
    book.all()
    assert [rule.rule_id for rule in book.broken()] == sorted(NEWER_DEFAULTS)


def test_rules_for_all_are_judged_before_a_symbols_own() -> None:
    own = [make_rule(rule_id=f"a{number}", symbol="AAPL") for number in range(MAX_RULES)]
    everybody = [make_rule(rule_id=f"z{number}", symbol="*") for number in range(2)]
    off = make_rule(rule_id="off", symbol="AAPL", enabled=False)
    other = make_rule(rule_id="b", symbol="MSFT")
    rules = [*own, *everybody, off, other]
    left_out = beyond_bound(rules)
    assert [(rule.rule_id, rule.symbol) for rule in left_out] == [("a8", "AAPL"), ("a9", "AAPL")]
    judged = Watch(rules_for("AAPL", rules)).rules
    assert len(judged) == MAX_RULES + 1
    assert {"z0", "z1", "off"} < {rule.rule_id for rule in judged}


def test_an_id_that_is_stored_for_a_symbol_and_for_all_is_one_rule_of_the_symbol() -> None:
    both = [make_rule(rule_id="r", symbol=symbol) for symbol in ("*", "AAPL")]
    assert [rule.symbol for rule in rules_for("AAPL", both)] == ["AAPL"]
    assert [rule.symbol for rule in rules_for("MSFT", both)] == ["*"]


MAX_SENT, MAX_RECORDED = 120, 600


@pytest.fixture
def low_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_bounds, "MAX_SENT_A_MINUTE", MAX_SENT)
    monkeypatch.setattr(alert_bounds, "MAX_RECORDED_A_MINUTE", MAX_RECORDED)


EVERY = [make_rule("every_record", value=None, rule_id=f"r{n}") for n in range(MAX_RULES)]


def told(ticks: int, size: int, rules: list[Rule] = EVERY) -> tuple[list[Any], State, int]:
    """All alerts of ticks 10 ms apart, taken `size` at a time; the last state; what was dropped."""
    left = [make_tick(100, number * 0.01, symbol="AAPL") for number in range(ticks)]
    state, dropped = State(symbol="AAPL"), 0
    alerts: list[Any] = []
    while left:
        outcome = advance(state, left[:size], Watch(tuple(rules)), lambda _: "")
        state, left = outcome.state, left[outcome.taken :]
        alerts += state.pending
        dropped += sum(outcome.dropped.values())
        assert len(state.pending) < MAX_PENDING + MAX_RULES
    return alerts, state, dropped


@pytest.mark.usefixtures("low_bounds")
def test_limits_of_a_symbol_do_not_depend_on_the_batching_of_ticks() -> None:
    alerts, state, dropped = told(20, 20)
    assert len(alerts) == MAX_RECORDED
    assert dropped == 20 * MAX_RULES - MAX_RECORDED
    assert [alert.quiet for alert in alerts[:MAX_SENT]] == [""] * MAX_SENT
    assert {alert.quiet for alert in alerts[MAX_SENT:]} == {TOO_MANY}
    assert state.told == Told(MAX_RECORDED, MAX_RECORDED)
    assert [told(20, size) for size in (1, 3)] == [(alerts, state, dropped)] * 2
    later = make_tick(100, 60, symbol="AAPL")
    outcome = advance(state, [later], Watch(tuple(EVERY)), lambda _: "")
    assert [alert.quiet for alert in outcome.state.pending] == [""] * MAX_RULES


@pytest.mark.usefixtures("low_bounds")
def test_alerts_that_are_only_recorded_use_up_no_message() -> None:
    noisy = [make_rule("every_record", value=None, rule_id="a", notify=False)]
    loud = make_rule("every_record", value=None, rule_id="b", trigger="once_per_session")
    alerts, _, _ = told(200, 50, noisy)
    assert {alert.quiet for alert in alerts} == {"record only"}
    state = told(200, 50, noisy)[1]
    tick = make_tick(100, 3, symbol="AAPL")
    outcome = advance(state, [tick], Watch((*noisy, loud)), lambda _: "")
    assert [alert.quiet for alert in outcome.state.pending] == ["record only", ""]


@pytest.mark.usefixtures("low_bounds")
def test_a_rule_whose_alert_was_dropped_may_tell_again() -> None:
    begun = advance(State(symbol="AAPL"), [make_tick(100, 0, symbol="AAPL")], Watch(()), str)
    full = msgspec.structs.replace(begun.state, told=Told(MAX_RECORDED, 0))
    once = make_rule("every_record", value=None, rule_id="r", trigger="once")
    watch = Watch((once,))
    dropped = advance(full, [make_tick(100, 1, symbol="AAPL")], watch, lambda _: "")
    assert (dropped.state.pending, dropped.dropped) == ((), {"r": 1})
    after = advance(dropped.state, [make_tick(100, 61, symbol="AAPL")], watch, lambda _: "")
    assert [alert.rule_id for alert in after.state.pending] == ["r"]


@pytest.mark.usefixtures("low_bounds")
def test_dropped_alerts_are_logged_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    aws = Aws()
    old_rules = msgspec.structs.replace(SETTINGS, alerts="every-tick")
    services = Services(old_rules, lambda: instant(100), aws)
    monkeypatch.setattr(bootstrap, "get_services", lambda: services)
    for rule in EVERY[:-3]:
        services.stores.rules.write(services.stores.rules.table(), rule)
    sent(services, *(wire(100, number * 0.01) for number in range(20)))
    with caplog.at_level(logging.INFO):
        assert handlers.detect({"Records": aws.stream}, LambdaContext()) == {
            "batchItemFailures": []
        }
    stored = aws.tables["alerts"].items.values()
    assert len(stored) == MAX_RECORDED
    assert sum("outbox" in item for item in stored) == MAX_SENT
    counted = [record.counters for record in caplog.records if hasattr(record, "counters")]
    assert counted[-1]["Alerts"] == MAX_RECORDED
    assert counted[-1]["RulesBroken"] == 1
    assert (
        "alerts are too many, up to 2026-11-20T15:30:00.190000Z, of AAPL; dropped: 8 of"
        in caplog.text
    )


def test_a_symbol_that_is_not_through_when_time_is_over_comes_again_alone() -> None:
    aws = Aws()
    services = Services(SETTINGS, lambda: instant(100), aws)
    for rule in EVERY[:40]:
        services.stores.rules.write(services.stores.rules.table(), rule)
    sent(services, *(wire(100, number, symbol="AAPL") for number in range(9)))
    sent(services, wire(100, 0, symbol="MSFT"))
    triggers = events.changed_prices({"Records": aws.stream})
    done = services.detect(triggers, 0.0)
    mine = next(one.identifier for one in triggers if one.symbol == "AAPL")
    assert done.failed == (mine,)
    state = services.stores.state.get("AAPL")
    assert state is not None
    assert "2026-11-20T15:00:00" < state.last_timestamp < to_text(instant(8))
    while services.detect(triggers, 0.0).failed:
        pass
    assert services.stores.state.get("AAPL").last_timestamp == to_text(instant(8))  # type: ignore[union-attr]
    alerts = [item for item in aws.tables["alerts"].items.values() if item["symbol"]["S"] == "AAPL"]
    assert len(alerts) == 9 * 40


def test_a_value_of_thousands_of_digits_of_an_earlier_version_is_read_short() -> None:
    aws = Aws()
    item = hidden(1) | {"value": {"N": "70." + "3" * 63_000}}
    aws.tables["rules"].put(item)
    (rule,) = Rules(aws.dynamodb, "rules").all()
    assert rule.value == Decimal("70.33333333")
