"""Rules for all symbols that fire at each tick: detection of the stage continues."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import msgspec
import pytest

from chalicelib import bootstrap, handlers
from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.alert_bounds import TOO_MANY
from chalicelib.domain.rules import MAX_RULES, Rule
from chalicelib.domain.times import to_text
from chalicelib.services.detect import detect
from chalicelib.services.detect.alert_budget import AlertBudget, Bound
from rigs.memory_aws.dynamodb import directly
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import (
    NEVER,
    LambdaContext,
    instant,
    kinesis_event,
    make_rule,
    payload,
    wire,
)
from tests.stored_rules import store_rule

NO_PLACES = Bound(0, 0, 0)
SYMBOLS = [f"S{number:02}" for number in range(20)]
OLD_RULES = msgspec.structs.replace(SETTINGS, alerts="every-tick")


class World:
    """One stage whose containers have few places."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        messages: Bound,
        records: Bound,
        *rules: Rule,
        firsts: Bound = NO_PLACES,
    ) -> None:
        monkeypatch.setattr(detect, "AlertBudget", lambda: AlertBudget(messages, records, firsts))
        self.aws = Aws()
        self.calls: Counter[str] = Counter()
        self.aws.around = self._counted
        self.containers = [Services(OLD_RULES, lambda: instant(200), self.aws) for _ in "AB"]
        monkeypatch.setattr(bootstrap, "get_services", lambda: self.containers[0])
        for rule in rules:
            store_rule(self.containers[0].stores.rules, rule)
        self._seen = 0

    def _counted(self, operation: str, request: dict[str, Any], perform: Any) -> Any:
        self.calls[operation] += 1
        return directly(operation, request, perform)

    def arrive(self, *ticks: dict[str, Any]) -> list[dict[str, Any]]:
        """The table's changes after a batch of ticks."""
        batch = events.from_kinesis(kinesis_event([payload(tick) for tick in ticks], self._seen))
        self.containers[0].ingest(batch, NEVER)
        found, self._seen = self.aws.stream[self._seen :], len(self.aws.stream)
        return found

    def look(self, records: list[dict[str, Any]], container: int = 0) -> Any:
        return self.containers[container].detect(events.changed_prices({"Records": records}))

    def go(self, *ticks: dict[str, Any], container: int = 0) -> Any:
        return self.look(self.arrive(*ticks), container)

    def alerts(self) -> list[tuple[str, str, bool]]:
        """Symbol, second and whether a message is to be sent, of each alert."""
        items = self.aws.tables["alerts"].items.values()
        return sorted(
            (item["symbol"]["S"], item["timestamp"]["S"][14:19], "outbox" in item) for item in items
        )


def every(count: int) -> list[Rule]:
    return [
        make_rule("every_record", value=None, rule_id=f"r{number:02}", symbol="*")
        for number in range(count)
    ]


def test_fifty_rules_that_fire_at_each_tick_of_all_symbols_cost_a_bounded_number_of_calls(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mine = make_rule("greater_than", value=100, rule_id="zz", symbol="ZZ", trigger="once")
    attack = every(MAX_RULES - 4)  # three default rules, and the one above
    world = World(monkeypatch, Bound(1, 20, 30), Bound(1, 40, 60), mine, *attack)
    records = world.arrive(
        *(wire(100 + second, second, symbol=s) for s in [*SYMBOLS, "ZZ"] for second in (0, 1))
    )
    world.calls.clear()
    with caplog.at_level(logging.INFO):
        assert handlers.detect({"Records": records}, LambdaContext()) == {"batchItemFailures": []}
    fired = len(attack) * 2 * len(SYMBOLS)
    assert fired > 1_800
    rules = len(attack) + 1
    assert world.calls["Publish"] <= 30 + rules
    assert len(world.aws.tables["alerts"].items) <= 60 + rules
    assert sum(world.calls.values()) < 700  # 5,700 and more without bounds
    for symbol in SYMBOLS:  # all are up to date
        state = world.containers[0].stores.state.get(symbol)
        assert state is not None
        assert state.last_timestamp == to_text(instant(1))
    assert ("ZZ", "30:01", True) in world.alerts()
    counted = [record.counters for record in caplog.records if hasattr(record, "counters")]
    assert counted[-1]["RulesBroken"] == 1
    assert caplog.text.count("alerts are too many") == 1
    assert TOO_MANY in {
        item["quiet"]["S"] for item in world.aws.tables["alerts"].items.values() if "quiet" in item
    }


def test_dropped_alerts_are_not_made_up_for_and_recorded_ones_not_doubled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, Bound(1, 2, 1), Bound(1, 4, 3), *every(1))
    records = world.arrive(*(wire(100, 0, symbol=symbol) for symbol in SYMBOLS))
    done = world.look(records)
    assert (done.alerts, done.unsent, done.dropped) == (4, 2, len(SYMBOLS) - 4)
    before = world.alerts()
    for container in (0, 1, 1):
        again = world.look(records, container)
        assert (again.alerts, again.dropped, again.failed) == (0, 0, ())
    assert world.alerts() == before
    assert sum(loud for _, _, loud in world.alerts()) == 2


def test_a_dropped_crossing_does_not_fire_later(monkeypatch: pytest.MonkeyPatch) -> None:
    crossing = make_rule("crossing_up", value=100, rule_id="up", symbol="*", trigger="once")
    world = World(monkeypatch, Bound(1, 1, 0), Bound(1, 1, 0), crossing)
    for price, second in ((99, 0), (101, 1), (102, 70), (99, 130), (101, 150)):
        for symbol in ("A", "B"):
            world.go(wire(price, second, symbol=symbol))
    assert world.alerts() == [("A", "30:01", True), ("B", "32:30", True)]


def test_a_place_that_was_taken_for_a_state_that_was_not_written_is_free_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, Bound(1, 2, 1), Bound(1, 2, 1), *every(1))
    records = world.arrive(wire(100, 0, symbol="A"), wire(100, 1, symbol="A"))
    refused = iter((True, True))

    def around(operation: str, request: dict[str, Any], perform: Any) -> Any:
        if request.get("TableName") == "state" and operation == "PutItem" and next(refused, False):
            raise OSError("the table cannot be reached")
        return directly(operation, request, perform)

    world.aws.around = around
    for _ in range(2):
        assert len(world.look(records).failed) == 1
    done = world.look(records)
    assert (done.alerts, done.dropped, done.failed) == (2, 0, ())


def test_two_containers_have_places_of_their_own_and_double_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, Bound(1, 3, 2), Bound(1, 3, 2), *every(1))
    for second in range(10):
        world.go(wire(100, second, symbol="A"), container=second % 2)
    assert world.alerts() == [("A", f"30:{second:02}", True) for second in range(6)]
    assert sum(loud for _, _, loud in world.alerts()) == 6


def test_symbols_that_use_up_a_rules_places_silence_no_other_symbol(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    above = make_rule("greater_than", value=100, rule_id="above", symbol="*")
    few, firsts = Bound(1, 4, 3), Bound(0, 2, 2)
    world = World(monkeypatch, few, few, above, firsts=firsts)
    world.go(*(wire(99 + 2 * (n % 2), n, symbol="LOUD") for n in range(20)))
    mine = [wire(price, 30 + n, symbol="MINE") for n, price in enumerate((99, 101, 99, 101))]
    done = world.go(*mine)
    assert (done.alerts, done.dropped) == (1, 1)
    assert [alert for alert in world.alerts() if alert[0] == "MINE"] == [("MINE", "30:31", False)]
    again = world.go(wire(99, 35, symbol="MINE"), wire(101, 36, symbol="MINE"))
    assert (again.alerts, again.dropped) == (0, 1)  # of this minute it has had its first
