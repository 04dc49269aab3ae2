"""The contract of RuleStore."""

from __future__ import annotations

import pytest

from chalicelib.domain.rules import Rule, parse_rule
from chalicelib.services.stores import RuleStore, Stores
from tests.factories import at, make_rule
from tests.stored_rules import drop_rule, store_rule


@pytest.fixture
def rules(stores: Stores) -> RuleStore:
    return stores.rules


def mine(rules: RuleStore, symbol: str) -> list[Rule]:
    return [rule for rule in rules.all() if rule.symbol == symbol]


@pytest.mark.parametrize(
    "fields",
    [
        {"condition": "crossing_up", "value": "200.00000001", "interval": "1m"},
        {"condition": "golden_cross", "fast": 5, "slow": 20},
        {"condition": "moving_percent", "window": 10, "trigger": "once_per_session"},
        {"condition": "less_than", "enabled": False, "notify": False, "cooldown_seconds": 60},
        {"condition": "every_record", "value": None, "expires_at": at(5), "trigger": "once"},
        {"condition": "less_than", "severity": "urgent"},
    ],
)
def test_a_rule_comes_back_as_it_was_put(
    rules: RuleStore, symbol: str, fields: dict[str, object]
) -> None:
    rule = make_rule(**{"rule_id": symbol.lower(), "symbol": symbol, **fields})  # type: ignore[arg-type]
    store_rule(rules, rule)
    assert rules.find(rule.rule_id) == rule
    assert mine(rules, symbol) == [rule]


def test_a_condition_comes_back_as_it_was_put(rules: RuleStore, symbol: str) -> None:
    given = {"symbol": symbol, "interval": "1h", "when": "rsi < 30 and close(1d, SPY) > 1"}
    rule = parse_rule(given, symbol.lower())
    store_rule(rules, rule)
    assert rules.find(rule.rule_id) == rule


def test_all_rules_come_by_their_id(rules: RuleStore, symbol: str) -> None:
    for name in "cab":
        store_rule(rules, make_rule(rule_id=f"{symbol}{name}", symbol=symbol))
    assert [rule.rule_id for rule in mine(rules, symbol)] == [f"{symbol}{name}" for name in "abc"]


def test_putting_again_replaces(rules: RuleStore, symbol: str) -> None:
    for value in (1, 2):
        store_rule(rules, make_rule(rule_id=symbol, symbol=symbol, value=value))
    assert [rule.value for rule in mine(rules, symbol)] == [2]


def test_a_removed_rule_is_gone(rules: RuleStore, symbol: str) -> None:
    rule = make_rule(rule_id=symbol, symbol=symbol)
    store_rule(rules, rule)
    drop_rule(rules, rule)
    drop_rule(rules, rule)
    assert rules.find(symbol) is None
    assert mine(rules, symbol) == []


def test_the_table_says_which_rules_are_stored_and_whether_each_is_enabled(
    rules: RuleStore, symbol: str
) -> None:
    for name, other, enabled in (("a", symbol, True), ("b", symbol, False), ("a", "*", True)):
        rule = make_rule(rule_id=f"{symbol}{name}", symbol=other, enabled=enabled)
        store_rule(rules, rule)
    table = rules.table()
    found = {key: on for key, on in table.enabled.items() if key[1].startswith(symbol)}
    a, b = f"{symbol}a", f"{symbol}b"
    assert found == {("*", a): True, (symbol, a): True, (symbol, b): False}
    assert table.keys_of(a) == [("*", a), (symbol, a)]
    assert sorted(rule.symbol for rule in rules.all() if rule.rule_id == a) == ["*", symbol]
    assert rules.write(table, remove=table.keys_of(a))
    assert rules.table().keys_of(a) == []


def test_the_second_of_two_writes_based_on_one_table_does_nothing(
    rules: RuleStore, symbol: str
) -> None:
    kept, gone = (make_rule(rule_id=f"{symbol}{name}", symbol=symbol) for name in "kg")
    store_rule(rules, gone)
    table = rules.table()
    assert rules.write(table, kept)
    late = make_rule(rule_id=f"{symbol}l", symbol=symbol)
    assert not rules.write(table, late, [(gone.symbol, gone.rule_id)])
    assert mine(rules, symbol) == [gone, kept]
