"""The rules table: by symbol and id, listed through an index (no Scan)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, item_of, key_range, query
from chalicelib.domain.rules import BrokenRule, Rule, parse_rule

_ALL = "all"
_KIND = "rule"
_COUNTS = ("fast", "slow", "window", "cooldown_seconds")

log = logging.getLogger("ticktape.rules")


class Rules:
    """RuleStore over DynamoDB. The index follows a write within about a second."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self.broken: tuple[BrokenRule, ...] = ()

    def all(self) -> list[Rule]:
        """See RuleStore."""
        request = key_range("kind", _KIND, "rule_id", None, None)
        pages = query(self._client, TableName=self._table, IndexName=_ALL, **request)
        found = [_read(item) for items, _ in pages for item in items]
        self.broken = tuple(rule for rule in found if isinstance(rule, BrokenRule))
        return list(_readable(found))

    def of(self, symbol: str) -> list[Rule]:
        """See RuleStore."""
        request = key_range("symbol", symbol, "rule_id", None, None)
        pages = query(self._client, TableName=self._table, ConsistentRead=True, **request)
        return list(_readable(_read(item) for items, _ in pages for item in items))

    def find(self, rule_id: str) -> Rule | BrokenRule | None:
        """See RuleStore."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=_ALL,
            KeyConditionExpression="kind = :k AND rule_id = :r",
            ExpressionAttributeValues={":k": {"S": _KIND}, ":r": {"S": rule_id}},
        )
        return _read(answer["Items"][0]) if answer["Items"] else None

    def put(self, rule: Rule) -> None:
        """See RuleStore."""
        item = item_of(kind=_KIND, **msgspec.structs.asdict(rule))
        self._client.put_item(TableName=self._table, Item=item)

    def remove(self, rule: Rule | BrokenRule) -> None:
        """See RuleStore."""
        key = {"symbol": {"S": rule.symbol}, "rule_id": {"S": rule.rule_id}}
        self._client.delete_item(TableName=self._table, Key=key)


def _readable(found: Iterable[Rule | BrokenRule]) -> Iterator[Rule]:
    """The rules; those that cannot be read are logged and passed over."""
    for rule in found:
        if isinstance(rule, Rule):
            yield rule
        else:
            log.warning("rule %s of %s is broken: %s", rule.rule_id, rule.symbol, rule.problem)


def _read(item: Item) -> Rule | BrokenRule:
    try:
        return _to_rule(item)
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        return BrokenRule(item["rule_id"]["S"], item["symbol"]["S"], str(error))


def _to_rule(item: Item) -> Rule:
    """The rule of an item. Raises what says why it is none that could have been written."""
    fields = {name: next(iter(value.values())) for name, value in item.items() if name != "kind"}
    for name in _COUNTS:
        if name in fields:
            fields[name] = int(fields[name])
    rule = msgspec.convert(fields, Rule, strict=True)
    parse_rule(msgspec.structs.asdict(rule), rule.rule_id)
    return rule
