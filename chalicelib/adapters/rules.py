"""The rules table: by symbol and id, listed through an index (no Scan)."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, item_of, key_range, query
from chalicelib.domain.rules import Rule

_ALL = "all"
_KIND = "rule"
_COUNTS = ("fast", "slow", "window", "cooldown_seconds")


class Rules:
    """RuleStore over DynamoDB. The index follows a write within about a second."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def all(self) -> list[Rule]:
        """See RuleStore."""
        request = key_range("kind", _KIND, "rule_id", None, None)
        pages = query(self._client, TableName=self._table, IndexName=_ALL, **request)
        return [_to_rule(item) for items, _ in pages for item in items]

    def find(self, rule_id: str) -> Rule | None:
        """See RuleStore."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=_ALL,
            KeyConditionExpression="kind = :k AND rule_id = :r",
            ExpressionAttributeValues={":k": {"S": _KIND}, ":r": {"S": rule_id}},
        )
        return _to_rule(answer["Items"][0]) if answer["Items"] else None

    def put(self, rule: Rule) -> None:
        """See RuleStore."""
        item = item_of(kind=_KIND, **msgspec.structs.asdict(rule))
        self._client.put_item(TableName=self._table, Item=item)

    def remove(self, rule: Rule) -> None:
        """See RuleStore."""
        key = {"symbol": {"S": rule.symbol}, "rule_id": {"S": rule.rule_id}}
        self._client.delete_item(TableName=self._table, Key=key)


def _to_rule(item: Item) -> Rule:
    fields = {name: next(iter(value.values())) for name, value in item.items() if name != "kind"}
    for name in _COUNTS:
        if name in fields:
            fields[name] = int(fields[name])
    return msgspec.convert(fields, Rule, strict=True)
