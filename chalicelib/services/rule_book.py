"""The rules in force: those of the table, and the default ones that none of them replaces."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.domain.errors import TicktapeError
from chalicelib.domain.rules import ANY_SYMBOL, MAX_RULES, BrokenRule, Rule, parse_rule
from chalicelib.services.stores import RuleStore

MAX_STORED = 1_000
"""All rules together: they are listed in one answer and read by every container."""


class UnknownRule(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """No rule has this id. `args` is the id."""


class RuleRefused(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """A rule is well formed, and yet cannot be written now. `args` says why."""


class RuleUnreadable(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """A stored rule cannot be read. `args` says why."""


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

    def broken(self) -> tuple[BrokenRule, ...]:
        """The stored rules that the last `all` passed over."""
        return self._store.broken

    def find(self, rule_id: str) -> Kept:
        """One rule: one Query. Raises UnknownRule, RuleUnreadable."""
        stored = self._store.find(rule_id)
        if isinstance(stored, BrokenRule):
            raise RuleUnreadable(f"rule {rule_id!r} cannot be read: {stored.problem}")
        if stored is not None:
            return Kept(stored, default=False)
        if rule_id not in self._defaults:
            raise UnknownRule(rule_id)
        return Kept(self._defaults[rule_id], default=True)

    def create(self, given: dict[str, Any]) -> Rule:
        """Store a rule under a new id. Raises RuleError, RuleRefused."""
        rule = parse_rule(given, secrets.token_hex(8))
        self._check_room(rule)
        self._store.put(rule)
        return rule

    def replace(self, rule_id: str, given: dict[str, Any]) -> tuple[Rule, bool]:
        """Store a rule under its id; and whether it is new. Raises RuleError, RuleRefused."""
        rule = parse_rule(given, rule_id)
        before = self._store.find(rule_id)
        self._check_room(rule)
        self._store.put(rule)
        if before is not None and before.symbol != rule.symbol:
            self._store.remove(before)  # the symbol is part of the key
        return rule, before is None

    def remove(self, rule_id: str) -> None:
        """Forget a stored rule; a default that it replaced is in force again.

        Raises UnknownRule, and RuleRefused for a default.
        """
        stored = self._store.find(rule_id)
        if stored is not None:
            self._store.remove(stored)
        elif rule_id in self._defaults:
            raise RuleRefused("a default rule stays; PUT it with enabled false to switch it off")
        else:
            raise UnknownRule(rule_id)

    def _check_room(self, new: Rule) -> None:
        """Raises RuleRefused where `new` would be one too many, of all or of its symbol."""
        others = [kept.rule for kept in self.all() if kept.rule.rule_id != new.rule_id]
        if len(others) >= MAX_STORED:
            raise RuleRefused(f"symbol: there are {MAX_STORED} rules, which is the most")
        counts = Counter(rule.symbol for rule in others if rule.enabled)
        for_all = counts.pop(ANY_SYMBOL, 0)
        own = max(counts.values(), default=0) if new.symbol == ANY_SYMBOL else counts[new.symbol]
        if new.enabled and own + for_all >= MAX_RULES:
            raise RuleRefused(
                f"symbol: {new.symbol!r} has {MAX_RULES} enabled rules, those for * counted in, "
                "which is the most"
            )
