"""The rules table: rules by symbol and id, listed through an index instead of a Scan.

One more item, the book, lists the rules. Every write replaces the book under its version, in one
transaction with the rule. The write therefore fails if the rules have changed since they were read.
The index does not contain the book (docs/decisions/0205).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, item_of, version_of
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.errors import RuleError
from chalicelib.domain.rules import RULE_ID, RULE_ID_ALLOWED, BrokenRule, Rule, parse_rule
from chalicelib.services.stores import RuleKey, RuleTable

_ALL = "all"
_KIND = "rule"
_COUNTS = ("fast", "slow", "window", "cooldown_seconds")
_BOOK = {"symbol": {"S": "#book"}, "rule_id": {"S": "#book"}}
"""A key that no rule can have."""

_APPLIED = {"symbol": {"S": "#applied"}, "rule_id": {"S": "#applied"}}
"""The ids of the rules that `local rules apply` wrote last."""

_entries = msgspec.json.Decoder(list[tuple[str, str, bool]])

log = logging.getLogger("ticktape.rules")


class Rules(TableAccess):
    """Implements RuleStore on DynamoDB. The index shows a write within about a second."""

    def __init__(self, client: Any, table: str) -> None:
        super().__init__(client, table)
        self.broken: tuple[BrokenRule, ...] = ()

    def all(self) -> list[Rule]:
        """See RuleStore.all."""
        found = [_read(item) for item in self._indexed()]
        self.broken = tuple(rule for rule in found if isinstance(rule, BrokenRule))
        return list(_readable(found))

    def of(self, symbol: str) -> list[Rule]:
        """See RuleStore.of."""
        items = self._partition("symbol", symbol, ConsistentRead=True)
        return list(_readable(map(_read, items)))

    def find(self, rule_id: str) -> Rule | BrokenRule | None:
        """See RuleStore.find."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=_ALL,
            KeyConditionExpression="kind = :k AND rule_id = :r",
            ExpressionAttributeValues={":k": {"S": _KIND}, ":r": {"S": rule_id}},
        )
        return _read(answer["Items"][0]) if answer["Items"] else None

    def table(self) -> RuleTable:
        """See RuleStore.table. One GetItem and one Query, and a GetItem for each rule on which book
        and index differ: the index lags, or an older version wrote without the book."""
        book = self._read(_BOOK)
        noted = _noted(book)
        listed = {_key_of(item): _is_enabled(item) for item in self._indexed()}
        enabled = dict(noted)
        for key in noted.keys() | listed.keys():
            if noted.get(key) != listed.get(key):
                enabled.pop(key, None)
                if item := self._read(_place(key)):
                    enabled[key] = _is_enabled(item)
        return RuleTable(version_of(book), enabled)

    def write(
        self, table: RuleTable, put: Rule | None = None, remove: Sequence[RuleKey] = ()
    ) -> bool:
        """See RuleStore.write. One TransactWriteItems."""
        return self._write(table, [] if put is None else [put], remove)

    def write_all(
        self,
        table: RuleTable,
        put: Sequence[Rule],
        remove: Sequence[RuleKey],
        applied: Sequence[str],
    ) -> bool:
        """See RuleStore.write_all. One TransactWriteItems."""
        noted = {"Item": _APPLIED | item_of(ids=" ".join(applied) or None)}
        return self._write(table, put, remove, {"Put": {"TableName": self._table, **noted}})

    def current(self, table: RuleTable) -> list[Rule | BrokenRule]:
        """See RuleStore.current. One BatchGetItem for each 100 rules."""
        keys = [_place(key) for key in table.enabled]
        return [_read(item) for item in self._read_all(keys)]

    def applied(self) -> tuple[str, ...]:
        """See RuleStore.applied. One GetItem."""
        return tuple(_text(self._read(_APPLIED), "ids").split())

    def _write(
        self,
        table: RuleTable,
        put: Sequence[Rule],
        remove: Sequence[RuleKey],
        *others: dict[str, Any],
    ) -> bool:
        enabled = {key: on for key, on in table.enabled.items() if key not in remove}
        writes = [{"Delete": {"TableName": self._table, "Key": _place(key)}} for key in remove]
        for rule in put:
            enabled[rule.symbol, rule.rule_id] = rule.enabled
            fields = msgspec.structs.asdict(rule)
            fields["channels"] = " ".join(rule.channels) or None
            fields["severity"] = None if rule.severity == "normal" else rule.severity
            item = item_of(kind=_KIND, **fields)
            writes.append({"Put": {"TableName": self._table, "Item": item}})
        entries = [(symbol, rule_id, on) for (symbol, rule_id), on in enabled.items()]
        book = _BOOK | item_of(rules=msgspec.json.encode(entries).decode())
        return self._put_version(book, table.version, [*writes, *others])

    def _indexed(self) -> list[Item]:
        return list(self._partition("kind", _KIND, IndexName=_ALL))


def _noted(book: Item) -> dict[RuleKey, bool]:
    """Return the rules in the book, each with whether it is enabled. Empty if the book cannot be
    read, so that only the index counts."""
    try:
        entries = _entries.decode(book["rules"]["S"]) if book else []
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        log.warning("the list of rules cannot be read: %r", error)
        return {}
    return {(symbol, rule_id): on for symbol, rule_id, on in entries}


def _place(key: RuleKey) -> Item:
    return {"symbol": {"S": key[0]}, "rule_id": {"S": key[1]}}


def _key_of(item: Item) -> RuleKey:
    return _text(item, "symbol"), _text(item, "rule_id")


def _text(item: Item, name: str) -> str:
    """Return an item's string attribute; empty if it is absent or has another type."""
    found = item.get(name, {}).get("S", "")
    return found if isinstance(found, str) else ""


def _is_enabled(item: Item) -> bool:
    rule = _read(item)
    return isinstance(rule, Rule) and rule.enabled


def _readable(found: Iterable[Rule | BrokenRule]) -> Iterator[Rule]:
    """Yield the rules that can be read; log and skip the others."""
    for rule in found:
        if isinstance(rule, Rule):
            yield rule
        else:
            log.warning("rule %s of %s is broken: %s", rule.rule_id, rule.symbol, rule.problem)


def _read(item: Item) -> Rule | BrokenRule:
    try:
        return _to_rule(item)
    except Exception as error:  # noqa: BLE001 - after any error the other rules are read
        symbol, rule_id = _key_of(item)
        return BrokenRule(rule_id, symbol, str(error) or type(error).__name__)


def _to_rule(item: Item) -> Rule:
    """Convert an item to a rule, with its value rounded like a new rule's. An earlier version
    stored all digits.

    Raises an error with the reason if the rule is invalid.
    """
    fields = {name: next(iter(value.values())) for name, value in item.items() if name != "kind"}
    if not RULE_ID.fullmatch(_text(item, "rule_id")):
        raise RuleError("rule_id", fields.get("rule_id"), RULE_ID_ALLOWED)
    channels = fields.get("channels", "")
    if not isinstance(channels, str):
        raise RuleError("channels", channels, "ids with spaces between them")
    fields["channels"] = channels.split()
    for name in _COUNTS:
        if name in fields:
            fields[name] = int(fields[name])
    rule = msgspec.convert(fields, Rule, strict=True)
    checked = parse_rule(msgspec.structs.asdict(rule), rule.rule_id)
    return rule if rule.value == checked.value else checked
