"""The contract of RuleStore."""

from __future__ import annotations

import pytest

from chalicelib.domain.rules import Rule
from chalicelib.services.stores import RuleStore, Stores
from tests.factories import at, make_rule


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
    ],
)
def test_a_rule_comes_back_as_it_was_put(
    rules: RuleStore, symbol: str, fields: dict[str, object]
) -> None:
    rule = make_rule(**{"rule_id": symbol.lower(), "symbol": symbol, **fields})  # type: ignore[arg-type]
    rules.put(rule)
    assert rules.find(rule.rule_id) == rule
    assert mine(rules, symbol) == [rule]


def test_all_rules_come_by_their_id(rules: RuleStore, symbol: str) -> None:
    for name in "cab":
        rules.put(make_rule(rule_id=f"{symbol}{name}", symbol=symbol))
    assert [rule.rule_id for rule in mine(rules, symbol)] == [f"{symbol}{name}" for name in "abc"]


def test_putting_again_replaces(rules: RuleStore, symbol: str) -> None:
    for value in (1, 2):
        rules.put(make_rule(rule_id=symbol, symbol=symbol, value=value))
    assert [rule.value for rule in mine(rules, symbol)] == [2]


def test_a_removed_rule_is_gone(rules: RuleStore, symbol: str) -> None:
    rule = make_rule(rule_id=symbol, symbol=symbol)
    rules.put(rule)
    rules.remove(rule)
    rules.remove(rule)
    assert rules.find(symbol) is None
    assert mine(rules, symbol) == []
