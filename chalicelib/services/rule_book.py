"""The rules in force: those of the table, and the default ones that none of them replaces."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.domain.errors import TicktapeError
from chalicelib.domain.rules import Rule, parse_rule
from chalicelib.services.stores import RuleStore

MAX_RULES = 500
"""Detection judges every rule of a symbol at every price."""


class UnknownRule(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """No rule has this id. `args` is the id."""


class RuleRefused(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """A rule is well formed, and yet cannot be written now. `args` says why."""


class Kept(msgspec.Struct, frozen=True):
    """A rule in force; `default` ones come from the settings and cannot be deleted."""

    rule: Rule
    default: bool


class RuleBook:
    """Reads and writes rules. Stored ones stand in the place of defaults with their id."""

    def __init__(self, store: RuleStore, defaults: Sequence[Rule]) -> None:
        self._store = store
        self._defaults = {rule.rule_id: rule for rule in defaults}

    def all(self) -> list[Kept]:
        """All rules by id: one Query."""
        stored = {rule.rule_id: rule for rule in self._store.all()}
        rules = {**self._defaults, **stored}
        return [Kept(rules[name], name not in stored) for name in sorted(rules)]

    def find(self, rule_id: str) -> Kept:
        """One rule: one Query. Raises UnknownRule."""
        stored = self._store.find(rule_id)
        if stored is not None:
            return Kept(stored, default=False)
        if rule_id not in self._defaults:
            raise UnknownRule(rule_id)
        return Kept(self._defaults[rule_id], default=True)

    def create(self, given: dict[str, Any]) -> Rule:
        """Store a rule under a new id. Raises RuleError, RuleRefused."""
        rule = parse_rule(given, secrets.token_hex(8))
        self._check_room()
        self._store.put(rule)
        return rule

    def replace(self, rule_id: str, given: dict[str, Any]) -> tuple[Rule, bool]:
        """Store a rule under its id; and whether it is new. Raises RuleError, RuleRefused."""
        rule = parse_rule(given, rule_id)
        before = self._store.find(rule_id)
        if before is None:
            self._check_room()
        self._store.put(rule)
        if before is not None and before.symbol != rule.symbol:
            self._store.remove(before)  # the symbol is part of the key
        return rule, before is None

    def remove(self, rule_id: str) -> None:
        """Forget a stored rule; a default that it replaced is in force again.

        Raises UnknownRule, and RuleRefused for a default.
        """
        kept = self.find(rule_id)
        if kept.default:
            raise RuleRefused("a default rule stays; PUT it with enabled false to switch it off")
        self._store.remove(kept.rule)

    def _check_room(self) -> None:
        if len(self._store.all()) >= MAX_RULES:
            raise RuleRefused(f"there are {MAX_RULES} rules, which is the most; delete one first")
