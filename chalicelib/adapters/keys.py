"""The keys table: keys by the hash of their tokens, and a counter for each key and minute."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, item_of, key_range, put_if, query
from chalicelib.domain.keys import Key
from chalicelib.domain.times import epoch_seconds

_KIND = "key"
_COUNTER_SECONDS = 600
"""A counter is of no use after its minute; DynamoDB deletes it some time later."""


class Keys:
    """KeyStore over DynamoDB. Keys are one partition, `key`; counters have one for each key."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def find(self, token_sha256: str) -> Key | None:
        """See KeyStore. One GetItem."""
        answer = self._client.get_item(
            TableName=self._table, Key=_place(_KIND, token_sha256), ConsistentRead=True
        )
        return _to_key(answer["Item"]) if "Item" in answer else None

    def all(self) -> list[Key]:
        """See KeyStore. One Query."""
        return sorted(map(_to_key, self._items()), key=lambda key: key.created_at or "")

    def put(self, token_sha256: str, key: Key) -> None:
        """See KeyStore."""
        fields = msgspec.structs.asdict(key)
        fields["ends_at"] = fields.pop("expires_at")  # TTL reads expires_at; keys are not its own
        fields["scopes"] = " ".join(key.scopes)
        item = item_of(kind=_KIND, id=token_sha256, **fields)
        self._client.put_item(TableName=self._table, Item=item)

    def remove(self, key_id: str) -> bool:
        """See KeyStore. One Query and one DeleteItem."""
        for item in self._items():
            if item["key_id"]["S"] == key_id:
                place = _place(_KIND, item["id"]["S"])
                self._client.delete_item(TableName=self._table, Key=place)
                return True
        return False

    def count(self, key_id: str, minute: str, limit: int, weight: int = 1) -> bool:
        """See KeyStore. One UpdateItem, under the condition that the limit is not exceeded."""
        return put_if(
            self._client,
            TableName=self._table,
            Key=_place(f"requests#{key_id}", minute),
            UpdateExpression="ADD requests :weight SET expires_at = :until",
            ConditionExpression="attribute_not_exists(requests) OR requests <= :room",
            ExpressionAttributeValues={
                ":weight": {"N": str(weight)},
                ":room": {"N": str(limit - weight)},
                ":until": {"N": str(epoch_seconds(minute) + _COUNTER_SECONDS)},
            },
        )

    def _items(self) -> list[Item]:
        request = key_range("kind", _KIND, "id", None, None)
        pages = query(self._client, TableName=self._table, ConsistentRead=True, **request)
        return [item for items, _ in pages for item in items]


def _place(kind: str, name: str) -> Item:
    return {"kind": {"S": kind}, "id": {"S": name}}


def _to_key(item: Item) -> Key:
    fields = {name: next(iter(value.values())) for name, value in item.items()}
    limit = fields.get("requests_per_minute")
    return msgspec.convert(
        {
            **fields,
            "scopes": fields["scopes"].split(),
            "expires_at": fields.get("ends_at"),
            "requests_per_minute": None if limit is None else int(limit),
        },
        Key,
    )
