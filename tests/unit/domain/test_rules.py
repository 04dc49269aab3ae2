"""Rules as clients describe them: what is taken, and what is refused, by field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.errors import RuleError
from chalicelib.domain.rules import Rule, default_rules, parse_rule, within_bound


def described(**fields: Any) -> dict[str, Any]:
    """A price rule, with what matters changed."""
    return {"symbol": "AAPL", "condition": "greater_than", "value": 200} | fields


def cross(**fields: Any) -> dict[str, Any]:
    """A golden cross, with what matters changed."""
    return {"symbol": "*", "condition": "golden_cross", "fast": 50, "slow": 200} | fields


def test_rule_of_the_contract_is_taken_whole() -> None:
    given = {
        "rule_id": "r1",
        "symbol": "AAPL",
        "condition": "crossing_up",
        "value": 200,
        "interval": "1m",
        "fast": None,
        "slow": None,
        "window": None,
        "trigger": "once",
        "cooldown_seconds": 0,
        "expires_at": None,
        "enabled": True,
        "notify": True,
    }
    rule = parse_rule(given, "r1")
    assert (rule.symbol, rule.condition, rule.value) == ("AAPL", "crossing_up", Decimal(200))
    assert (rule.interval, rule.trigger, rule.enabled, rule.notify) == ("1m", "once", True, True)


def test_symbol_is_put_into_upper_case() -> None:
    assert parse_rule(described(symbol="brk-b"), "r").symbol == "BRK-B"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (described(condition="explodes"), "condition"),
        (described(condition=None), "condition"),
        (described(symbol="NO SPACE"), "symbol"),
        (described(symbol=None), "symbol"),
        (described(value=-1), "value"),
        (described(value=0), "value"),
        (described(value="200"), "value"),
        (described(value=True), "value"),
        (described(value=None), "value"),
        (described(value=1e12), "value"),
        (described(value=Decimal("999999999999.999999999")), "value"),
        (described(value=float("nan")), "value"),
        (described(interval="2m"), "interval"),
        (described(trigger="twice"), "trigger"),
        (described(cooldown_seconds=-1), "cooldown_seconds"),
        (described(cooldown_seconds=1.5), "cooldown_seconds"),
        (described(expires_at="tomorrow"), "expires_at"),
        (described(expires_at="2026-11-20T00:00:00"), "expires_at"),
        (described(enabled="yes"), "enabled"),
        (described(notify=1), "notify"),
        (described(severity="loud"), "severity"),
        (described(window=5), "window"),
        (described(fast=5), "fast, slow"),
        (described(colour="red"), "colour"),
        (described(rule_id="other"), "rule_id"),
        (cross(fast=200), "fast"),
        (cross(fast=201), "fast"),
        (cross(fast=0), "fast"),
        (cross(slow=401), "slow"),
        (cross(slow=None), "slow"),
        (cross(fast=None), "fast"),
        (cross(value=1), "value"),
        (described(condition="moving_percent"), "window"),
        (described(condition="every_record"), "value"),
    ],
)
def test_nonsense_is_refused_with_the_field_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleError) as refusal:
        parse_rule(given, "r")
    assert refusal.value.field == field
    assert refusal.value.allowed


@pytest.mark.parametrize("given", [None, [], "rule", 5])
def test_anything_but_an_object_is_refused(given: Any) -> None:
    with pytest.raises(RuleError, match="a JSON object"):
        parse_rule(given, "r")


def test_fingerprint_changes_with_what_is_judged_and_not_with_switches() -> None:
    rule = parse_rule(described(), "r")
    assert parse_rule(described(value=201), "r").fingerprint != rule.fingerprint
    assert parse_rule(described(trigger="once"), "r").fingerprint != rule.fingerprint
    assert parse_rule(described(enabled=False, notify=False), "r").fingerprint == rule.fingerprint
    assert parse_rule(described(severity="urgent"), "r").fingerprint == rule.fingerprint


def test_expired_or_disabled_rule_is_not_active() -> None:
    until = parse_rule(described(expires_at="2026-11-20T16:00:00+01:00"), "r")
    assert until.expires_at == "2026-11-20T15:00:00.000000Z"
    assert until.is_active("2026-11-20T14:59:59.999999Z")
    assert not until.is_active("2026-11-20T15:00:00.000000Z")
    assert not parse_rule(described(enabled=False), "r").is_active("2026-11-20T15:00:00.000000Z")


def described_briefly(rule: Rule) -> tuple[object, ...]:
    """Return what it judges, on what, how often, and whether it is sent."""
    judged = (rule.condition, rule.value or (rule.fast, rule.slow), rule.interval)
    return (*judged, rule.trigger, rule.cooldown_seconds, rule.notify)


MOVE = ("change_percent", 5, "tick", "once_per_session", 0, True)


def test_default_rules_send_crosses_on_bars_and_record_those_on_ticks() -> None:
    rules = default_rules(5, 20, Decimal(5))
    assert {rule.rule_id: described_briefly(rule) for rule in rules} == {
        "default-golden-cross": ("golden_cross", (5, 20), "tick", "every_time", 0, False),
        "default-death-cross": ("death_cross", (5, 20), "tick", "every_time", 0, False),
        "default-change-percent": MOVE,
        "default-cross-5m": ("average_cross", (5, 20), "5m", "every_time", 3600, True),
        "default-cross-1d": ("average_cross", (50, 200), "1d", "every_time", 0, True),
    }
    assert {rule.symbol for rule in rules} == {"*"}


def test_default_rules_for_every_tick_are_the_old_ones() -> None:
    rules = default_rules(5, 20, Decimal(5), every_tick=True)
    assert {rule.rule_id: described_briefly(rule) for rule in rules} == {
        "default-golden-cross": ("golden_cross", (5, 20), "tick", "every_time", 0, True),
        "default-death-cross": ("death_cross", (5, 20), "tick", "every_time", 0, True),
        "default-change-percent": MOVE,
    }


def test_fifty_rules_of_ones_own_leave_out_the_newer_defaults_first() -> None:
    own = [parse_rule(described(), f"r{n:02}") for n in range(47)]
    rules = [*default_rules(5, 20, Decimal(5)), *own]
    judged, left_out = within_bound(rules)
    assert len(judged) == 50
    assert [rule.rule_id for rule in left_out] == ["default-cross-1d", "default-cross-5m"]
