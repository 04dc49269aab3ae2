"""Rules put into a store and taken out of it, past the bounds that the rule book holds."""

from __future__ import annotations

from chalicelib.domain.rules import BrokenRule, Rule
from chalicelib.services.stores import RuleStore


def store_rule(store: RuleStore, rule: Rule) -> None:
    """Store or replace."""
    assert store.write(store.table(), rule)


def drop_rule(store: RuleStore, rule: Rule | BrokenRule) -> None:
    """Forget; nothing happens if it is not there."""
    assert store.write(store.table(), remove=[(rule.symbol, rule.rule_id)])
