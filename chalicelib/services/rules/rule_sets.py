"""Plan what a file of rules would change, and apply the plan in one write."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from chalicelib.domain.errors import Conflict, Contended
from chalicelib.domain.rules import ANY_SYMBOL, MAX_RULES, BrokenRule, Rule
from chalicelib.services.rules.rule_book import MAX_STORED, check_costs, check_kept
from chalicelib.services.stores import MAX_APPLIED, RuleKey, RuleStore, RuleTable


class Change(msgspec.Struct, frozen=True):
    """A rule that changes. `before` is None for a new rule, `after` is None for a deleted rule.

    `default` is the default rule that the deleted rule had replaced. It is then in force again.
    """

    rule_id: str
    before: Rule | None
    after: Rule | None
    default: Rule | None = None

    @property
    def in_force(self) -> Rule | None:
        """Return the rule with this id that is in force after the change; None if there is none."""
        return self.after or self.default

    @property
    def fields(self) -> dict[str, tuple[object, object]]:
        """Return the fields that differ, each with its values before and after. The result is empty
        if the rule is new, or if no rule with this id is in force afterwards."""
        before, after = self.before, self.in_force
        if before is None or after is None:
            return {}
        names = [name for name in Rule.__struct_fields__ if name != "rule_id"]
        values = {name: (getattr(before, name), getattr(after, name)) for name in names}
        return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


class Plan(msgspec.Struct, frozen=True):
    """What a file of rules would change in the stored rules.

    `left_alone` has the ids of stored rules that neither this file nor the last applied file has.
    `applied` has the ids in this file. Plans with the same changes to the same rules have the same
    `digest`. `table` has the stored rules that the plan was made for, and `remove` the keys of
    rules to delete.
    """

    changes: tuple[Change, ...]
    left_alone: tuple[str, ...]
    applied: tuple[str, ...]
    digest: str
    table: RuleTable
    remove: tuple[RuleKey, ...]


class RuleSets:
    """Plans and applies sets of rules. `check_channels` raises RuleError for unknown channels.
    `symbols` returns the number of the stage's symbols."""

    def __init__(
        self,
        store: RuleStore,
        defaults: Sequence[Rule],
        check_channels: Callable[[Sequence[str]], None] = lambda _: None,
        symbols: Callable[[], int] = lambda: 1,
    ) -> None:
        self._store = store
        self._symbols = symbols
        self._defaults = {rule.rule_id: rule for rule in defaults}
        self._check_channels = check_channels

    def stored(self) -> list[Rule]:
        """Return the stored rules by id, with a consistent read."""
        found = self._store.current(self._store.table())
        return sorted((one for one in found if isinstance(one, Rule)), key=_by_id)

    def plan(self, wanted: Sequence[Rule], *, prune: bool = False) -> Plan:
        """Plan the changes after which the wanted rules are stored.

        A stored rule that is not wanted is deleted if the last applied file had it. If `prune`,
        every stored rule that is not wanted is deleted. Raises RuleError, Conflict.
        """
        table = self._store.table()
        found = sorted(self._store.current(table), key=_by_id)
        noted, wanted_ids = set(self._store.applied()), {rule.rule_id for rule in wanted}
        known = {rule.rule_id: rule for rule in found if isinstance(rule, Rule)}
        others = {rule.rule_id for rule in found} - wanted_ids
        gone = others if prune else others & noted
        changes = [self._change(rule, known.get(rule.rule_id)) for rule in wanted]
        changes = [one for one in changes if one.before != one.after or one.rule_id not in known]
        changes += [Change(name, known.get(name), None, self._defaults.get(name)) for name in gone]
        changes.sort(key=lambda one: one.rule_id)
        put = {one.rule_id: one.after.symbol for one in changes if one.after is not None}
        remove = [key for key in table.enabled if key[1] in gone]
        remove += [key for key in table.enabled if put.get(key[1], key[0]) != key[0]]
        plan = Plan(
            tuple(changes),
            tuple(sorted(others - gone)),
            tuple(sorted(wanted_ids)),
            _digest(found, wanted, gone),
            table,
            tuple(remove),
        )
        self._check(plan, found, wanted)
        return plan

    def apply(self, plan: Plan) -> None:
        """Write all changes of a plan. If rules were written since the plan was made, write nothing
        and raise Contended."""
        put = [one.after for one in plan.changes if one.after is not None]
        if not self._store.write_all(plan.table, put, plan.remove, plan.applied):
            raise Contended("the rules were changed by others since they were read; plan again")

    def _change(self, rule: Rule, before: Rule | None) -> Change:
        return Change(rule.rule_id, before or self._defaults.get(rule.rule_id), rule)

    def _check(
        self, plan: Plan, found: Iterable[Rule | BrokenRule], wanted: Sequence[Rule]
    ) -> None:
        """Raise Conflict if the rules would exceed a limit after the plan, and RuleError for
        unknown channels."""
        put = [one for one in plan.changes if one.after is not None]
        writes = len(put) + len(plan.remove)
        if writes > MAX_APPLIED:
            raise Conflict(
                f"{len(plan.changes)} rules change, one that moves to another symbol counts twice, "
                f"which makes {writes}, and at most {MAX_APPLIED} fit into one write: apply a part "
                "of them first",
                field="symbol",
            )
        for rule in wanted:
            self._check_channels(rule.channels)
        kept = [
            rule for rule in found if isinstance(rule, Rule) and rule.rule_id in plan.left_alone
        ]
        after = {rule.rule_id: rule for rule in (*self._defaults.values(), *kept, *wanted)}
        if len(after) > MAX_STORED:
            raise Conflict(
                f"there would be {len(after)} rules, more than {MAX_STORED}", field="symbol"
            )
        enabled = [rule for rule in after.values() if rule.enabled]
        _check_counts(enabled)
        check_costs(enabled, {rule.symbol for rule in enabled})
        check_kept(enabled, self._symbols)


def _check_counts(enabled: Sequence[Rule]) -> None:
    counts = Counter(rule.symbol for rule in enabled)
    for_all = counts.pop(ANY_SYMBOL, 0)
    for symbol, own in {**counts, ANY_SYMBOL: 0}.items():
        if own + for_all > MAX_RULES:
            raise Conflict(
                f"{symbol} would have {own + for_all} enabled rules, more than {MAX_RULES}",
                field="symbol",
            )


def _digest(found: Sequence[Rule | BrokenRule], wanted: Sequence[Rule], gone: Iterable[str]) -> str:
    encoder = msgspec.json.Encoder(order="deterministic")
    texts = [encoder.encode(rules).decode() for rules in (found, sorted(wanted, key=_by_id))]
    return hashlib.sha256("\n".join([*texts, *sorted(gone)]).encode()).hexdigest()[:12]


def _by_id(rule: Rule | BrokenRule) -> tuple[str, str]:
    return rule.rule_id, rule.symbol
