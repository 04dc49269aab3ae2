"""Stores and deletes rules without the limits that the rule book checks."""

from __future__ import annotations

from chalicelib.domain.rules import BrokenRule, Rule
from chalicelib.services.stores import RuleStore


def store_rule(store: RuleStore, rule: Rule) -> None:
    """Store a rule, or replace the stored one."""
    assert store.write(store.table(), rule)


def drop_rule(store: RuleStore, rule: Rule | BrokenRule) -> None:
    """Delete a rule, if it is stored."""
    assert store.write(store.table(), remove=[(rule.symbol, rule.rule_id)])
