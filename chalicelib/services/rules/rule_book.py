"""The rules in force: the stored rules, and the default rules that no stored rule replaces."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from chalicelib.domain.errors import Conflict, Contended, Unknown
from chalicelib.domain.rules import (
    ANY_SYMBOL,
    MAX_RULES,
    BrokenRule,
    Rule,
    beyond_bound,
    parse_rule,
)
from chalicelib.services.stores import MAX_REMOVED, RuleKey, RuleStore, RuleTable

MAX_STORED = 1_000
"""The most rules in total. All rules are listed in one answer and read by every container."""

MAX_SYMBOLS = 100_000
"""More symbols than any stage has. The stage's symbols are counted only if its rules would cost too
much for this number of symbols."""

TRIES = 12
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0

_writing = threading.Lock()
"""Threads that write rules take turns. Of several processes, only one can write a version."""


class Kept(msgspec.Struct, frozen=True):
    """A rule in force. If it is a `default`, it comes from the settings and cannot be deleted."""

    rule: Rule
    default: bool


class _Change(msgspec.Struct, frozen=True):
    """A write: at most one rule to put, and the keys of rules to delete."""

    put: Rule | None = None
    remove: Sequence[RuleKey] = ()


class RuleBook:
    """Reads and writes rules. A stored rule replaces the default rule with the same id."""

    def __init__(
        self,
        store: RuleStore,
        defaults: Sequence[Rule],
        check_channels: Callable[[Sequence[str]], None] = lambda _: None,
        symbols: Callable[[], int] = lambda: 1,
    ) -> None:
        """Create the book. `check_channels` raises RuleError for ids that no channel has. `symbols`
        returns the number of the stage's symbols."""
        self._store = store
        self._symbols = symbols
        self._check_channels = check_channels
        self._defaults = {rule.rule_id: rule for rule in defaults}
        self._left_out: tuple[BrokenRule, ...] = ()

    def all(self) -> list[Kept]:
        """Return all rules by id, then by symbol. This takes one Query."""
        stored = self._store.all()
        ids = {rule.rule_id for rule in stored}
        found = [Kept(rule, default=False) for rule in stored]
        defaults = [rule for name, rule in self._defaults.items() if name not in ids]
        found += [Kept(rule, default=True) for rule in defaults]
        self._left_out = beyond_bound(kept.rule for kept in found)
        return sorted(found, key=lambda kept: (kept.rule.rule_id, kept.rule.symbol))

    def broken(self) -> tuple[BrokenRule, ...]:
        """Return the stored rules that the last call of `all` left out of evaluation. They are
        unreadable or beyond their symbol's limit."""
        return (*self._store.broken, *self._left_out)

    def find(self, rule_id: str) -> Kept:
        """Return the rule with this id. This takes one Query. Raises Unknown, Conflict."""
        stored = self._store.find(rule_id)
        if isinstance(stored, BrokenRule):
            raise Conflict(f"rule {rule_id!r} cannot be read: {stored.problem}")
        if stored is not None:
            return Kept(stored, default=False)
        if rule_id not in self._defaults:
            raise Unknown("rule", rule_id)
        return Kept(self._defaults[rule_id], default=True)

    def create(self, given: dict[str, Any]) -> Rule:
        """Store a rule under a new id and return it. Raises RuleError, Conflict, Contended."""
        return self.replace(secrets.token_hex(8), given)[0]

    def replace(self, rule_id: str, given: dict[str, Any]) -> tuple[Rule, bool]:
        """Store a rule under its id. Return the rule, and whether it is new.

        Raises RuleError, Conflict, Contended.
        """
        rule = parse_rule(given, rule_id)
        self._check_channels(rule.channels)
        if rule.when is not None:
            self._check_cost(rule)

        def put(table: RuleTable) -> _Change:
            self._check_room(rule, table)
            others = [key for key in table.keys_of(rule_id) if key[0] != rule.symbol]
            return _Change(rule, others)  # the symbol is part of the key

        table = self._write(put)
        return rule, not table.keys_of(rule_id)

    def remove(self, rule_id: str) -> None:
        """Delete all stored rules with an id. A default rule with this id is then in force again.

        Raises Unknown, Contended, and Conflict for a default rule.
        """

        def forget(table: RuleTable) -> _Change:
            keys = table.keys_of(rule_id)
            if keys:
                return _Change(remove=keys)
            if rule_id in self._defaults:
                raise Conflict(
                    "a default rule stays; PUT it with enabled false to switch it off",
                    field="symbol",
                )
            raise Unknown("rule", rule_id)

        self._write(forget)

    def _write(self, decide: Callable[[RuleTable], _Change]) -> RuleTable:
        """Write the change that `decide` returns for the current table. Try again if another write
        came first.

        Returns the table that the change was based on. Raises Contended, and what `decide` raises.
        """
        with _writing:
            for attempt in range(TRIES):
                table = self._store.table()
                change = decide(table)
                if self._store.write(table, change.put, change.remove[:MAX_REMOVED]):
                    break
                longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
                time.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret
            else:
                raise Contended("the rules are being changed by others: send the request again")
        if left := change.remove[MAX_REMOVED:]:
            self._write(lambda _: _Change(remove=left))
        return table

    def _check_cost(self, new: Rule) -> None:
        """Raise Conflict if the new rule makes the conditions `when` of a symbol cost too much."""
        stored = [rule for rule in self._store.all() if rule.when and rule.enabled]
        others = [rule for rule in stored if rule.rule_id != new.rule_id]
        symbols = {rule.symbol for rule in others} if new.symbol == ANY_SYMBOL else set()
        if new.enabled:
            check_costs([*others, new], {new.symbol, *symbols})
            check_kept([*others, new], self._symbols, others)

    def _check_room(self, new: Rule, table: RuleTable) -> None:
        """Raise Conflict if `new` would exceed the limit of all rules or of its symbol's rules."""
        stored_ids = {rule_id for _, rule_id in table.enabled}
        others = {key: on for key, on in table.enabled.items() if key[1] != new.rule_id}
        for rule_id, default in self._defaults.items():
            if rule_id not in stored_ids | {new.rule_id}:
                others[default.symbol, rule_id] = default.enabled
        if new.rule_id not in stored_ids and len(others) >= MAX_STORED:
            raise Conflict(
                f"symbol: there are {MAX_STORED} rules, which is the most", field="symbol"
            )
        counts = Counter(symbol for (symbol, _), enabled in others.items() if enabled)
        for_all = counts.pop(ANY_SYMBOL, 0)
        own = max(counts.values(), default=0) if new.symbol == ANY_SYMBOL else counts[new.symbol]
        if new.enabled and own + for_all >= MAX_RULES:
            raise Conflict(
                f"symbol: {new.symbol!r} has {MAX_RULES} enabled rules, those for * counted in, "
                "which is the most",
                field="symbol",
            )


def check_costs(enabled: Sequence[Rule], symbols: Iterable[str]) -> None:
    """Raise Conflict if one symbol's enabled rules would cost too much together. Rules for all
    symbols count for each symbol. Rules without `when` cost nothing."""
    if all(rule.when is None for rule in enabled):
        return
    from chalicelib.domain.when.costs import excess_of

    for symbol in sorted(symbols):
        excess = excess_of(rule for rule in enabled if rule.symbol in (symbol, ANY_SYMBOL))
        if excess:
            raise Conflict(
                f"when: the conditions of {symbol!r} would need {excess.needed}, more than "
                f"{excess.most:,}",
                field="when",
            )


def check_kept(
    enabled: Sequence[Rule], symbols: Callable[[], int], before: Sequence[Rule] = ()
) -> None:
    """Raise Conflict if containers could not cache the values of all enabled rules. They would then
    read bars again at each price. A rule for all symbols counts once for each of `symbols()`. Rules
    that need no more than the rules in `before` are always allowed."""
    if all(rule.when is None for rule in enabled):
        return
    from chalicelib.domain.when.costs import MAX_NUMBERS_OF_ALL, kept_numbers

    if kept_numbers(enabled, MAX_SYMBOLS) <= MAX_NUMBERS_OF_ALL:
        return
    count = symbols()
    needed = kept_numbers(enabled, count)
    if needed > max(MAX_NUMBERS_OF_ALL, kept_numbers(before, count)):
        raise Conflict(
            f"when: the conditions of all rules would keep {needed:,} numbers, those for * once "
            f"for each of {count:,} symbols, more than {MAX_NUMBERS_OF_ALL:,}",
            field="when",
        )
