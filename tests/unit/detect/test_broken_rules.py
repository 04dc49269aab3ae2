"""A stored rule that cannot be read stops nothing, is reported, and can be repaired."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from chalicelib import bootstrap, handlers
from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.rules import BrokenRule
from rigs.memory_aws.system import SETTINGS, Aws
from tests.api_support import TOKEN, Answer, Client, FakeServices
from tests.factories import NEVER, LambdaContext, instant, kinesis_event, make_rule, payload, wire
from tests.stored_rules import drop_rule, store_rule

STORED: dict[str, Any] = {
    "symbol": {"S": "MSFT"},
    "rule_id": {"S": "r9"},
    "kind": {"S": "rule"},
    "condition": {"S": "greater_than"},
    "value": {"N": "70"},
}


def system_with(item: dict[str, Any]) -> tuple[Aws, Services]:
    aws = Aws()
    aws.tables["rules"].put(item)
    return aws, Services(SETTINGS, lambda: instant(100), aws)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"condition": {"S": "rsi_above"}}, "Invalid enum value 'rsi_above' - at `$.condition`"),
        ({"fast": {"S": "many"}}, "invalid literal for int() with base 10: 'many'"),
        ({"value": {"NULL": True}}, "Expected `decimal | null`, got `bool` - at `$.value`"),
        ({"condition": {"S": "every_record"}}, "value: '70' is not allowed"),
        ({"value": {"S": "high"}}, "Invalid decimal string - at `$.value`"),
        ({"enabled": {"N": "1"}}, "Expected `bool`, got `str` - at `$.enabled`"),
        ({"window": {"N": "5"}}, "window: 5 is not allowed"),
        ({"expires_at": {"S": "soon"}}, "expires_at: 'soon' is not allowed"),
        ({"channels": {"L": []}}, "channels: [] is not allowed"),
        ({"channels": {"M": {}}}, "channels: {} is not allowed"),
        ({"window": {"N": "1e999999"}}, "invalid literal for int()"),
        ({"cooldown_seconds": {"L": []}}, "int() argument must be a string"),
        ({"value": {"N": "1E+400"}}, "value: "),
    ],
)
def test_a_rule_that_nobody_could_have_written_is_passed_over_with_what_is_wrong(
    change: dict[str, Any], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, services = system_with(STORED | change)
    store_rule(services.stores.rules, make_rule("less_than", rule_id="good"))
    with caplog.at_level(logging.WARNING):
        rules = services.rules()
    assert [rule.rule_id for rule in rules if not rule.rule_id.startswith("default")] == ["good"]
    (broken,) = services.stores.rules.broken
    assert (broken.rule_id, broken.symbol) == ("r9", "MSFT")
    assert broken.problem.startswith(problem)
    assert f"rule r9 of MSFT is broken: {problem}" in caplog.text


@pytest.mark.parametrize(
    "change", [{"condition": {"S": "rsi_above"}}, {"symbol": {"S": "ZZZ"}, "channels": {"L": []}}]
)
def test_detect_judges_all_other_rules_and_counts_the_broken_one(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    aws, services = system_with(STORED | change)
    store_rule(services.stores.rules, make_rule("every_record", value=None, rule_id="each"))
    monkeypatch.setattr(bootstrap, "get_services", lambda: services)
    services.ingest(events.from_kinesis(kinesis_event([payload(wire(1, 0))])), NEVER)
    with caplog.at_level(logging.INFO):
        answer = handlers.detect({"Records": aws.stream}, LambdaContext())
    assert answer == {"batchItemFailures": []}
    assert [item["rule_id"]["S"] for item in aws.tables["alerts"].items.values()] == ["each"]
    counted = [record.counters for record in caplog.records if hasattr(record, "counters")]
    assert counted[-1]["RulesBroken"] == 1


ID = "x]\nwhen = 1"


def test_the_id_of_a_stored_rule_is_checked() -> None:
    _, services = system_with(STORED | {"rule_id": {"S": ID}})
    assert services.stores.rules.all() == []
    (broken,) = services.stores.rules.broken
    assert broken.problem.startswith("rule_id: ")


@pytest.mark.parametrize(
    "book",
    [
        {"version": {"N": "7"}, "rules": {"S": "x"}},
        {"version": {"N": "7"}, "rules": {"L": []}},
        {"version": {"N": "7"}, "rules": {"S": "[" * 100_000}},
        {"version": {"N": "7"}},
        {"version": {"S": "x"}, "rules": {"S": "[]"}},
        {"rules": {"N": "1"}},
    ],
)
def test_a_list_of_rules_that_cannot_be_read_counts_as_empty_and_is_replaced(
    book: dict[str, Any],
) -> None:
    place = {"symbol": {"S": "#book"}, "rule_id": {"S": "#book"}}
    aws, services = system_with(place | book)
    aws.tables["rules"].put(STORED)
    store = services.stores.rules
    assert store.table().enabled == {("MSFT", "r9"): True}
    store_rule(store, make_rule("less_than", rule_id="good"))
    assert sorted(rule.rule_id for rule in store.current(store.table())) == ["good", "r9"]
    assert '"good"' in aws.tables["rules"].items["#book", "#book"]["rules"]["S"]


@pytest.mark.parametrize("ids", [{"N": "1"}, {"L": []}, {"BOOL": True}])
def test_noted_ids_that_cannot_be_read_are_none(ids: dict[str, Any]) -> None:
    place = {"symbol": {"S": "#applied"}, "rule_id": {"S": "#applied"}}
    _, services = system_with(place | {"ids": ids})
    store = services.stores.rules
    assert store.applied() == ()
    assert store.write_all(store.table(), [make_rule("less_than", rule_id="a")], [], ["a"])
    assert store.applied() == ("a",)


def _client() -> Client:
    services = FakeServices()
    services.stores.rules.broken = (BrokenRule("r9", "MSFT", "condition: 'rsi_above'"),)
    return Client(services)


def _write(client: Client, method: str, body: object = None) -> Answer:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    return client.send(method, "/rules/r9", body, headers)


def test_the_list_of_rules_shows_what_is_broken() -> None:
    answer = _client().get("/rules").json
    assert answer["broken"] == [
        {"rule_id": "r9", "symbol": "MSFT", "problem": "condition: 'rsi_above'"}
    ]
    assert "r9" not in [rule["rule_id"] for rule in answer["rules"]]


def test_a_broken_rule_is_a_conflict_until_it_is_replaced_or_deleted() -> None:
    client = _client()
    refused = client.get("/rules/r9")
    assert refused.status == 409
    assert refused.json["detail"] == "rule 'r9' cannot be read: condition: 'rsi_above'"
    rule = {"symbol": "AAPL", "condition": "crossing_up", "value": 200}
    assert _write(client, "PUT", rule).status == 200
    assert client.get("/rules").json["broken"] == []
    client = _client()
    assert _write(client, "DELETE").status == 204
    assert client.get("/rules/r9").status == 404


def test_a_broken_rule_is_replaced_and_deleted_in_the_table() -> None:
    aws, services = system_with(STORED | {"condition": {"S": "rsi_above"}})
    store = services.stores.rules
    broken = store.find("r9")
    assert isinstance(broken, BrokenRule)
    drop_rule(store, broken)
    assert list(aws.tables["rules"].items) == [("#book", "#book")]
    assert store.all() == []
    assert store.broken == ()
