"""The keys table: API keys by the hash of their tokens, a note of the newest key, and a counter per
key and minute."""

from __future__ import annotations

import random
import time
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, item_of, readable, version_of
from chalicelib.adapters.table_access import TableAccess, versioned
from chalicelib.domain.errors import Contended
from chalicelib.domain.keys import Key
from chalicelib.domain.times import epoch_seconds
from chalicelib.services.access.key_ring import MAX_KEYS

_KIND = "key"
_LAST = {"kind": {"S": "last"}, "id": {"S": "last"}}
"""The key of the note of the newest key. The note's version increases with each new key."""

_TRIES = 12
_PAUSE_SECONDS = 0.002
_COUNTER_SECONDS = 600
"""A counter expires this many seconds after the start of its minute."""


class Keys(TableAccess):
    """Implements KeyStore on DynamoDB. All keys share a partition; each has one for counters."""

    def find(self, token_sha256: str) -> Key | None:
        """See KeyStore.find. One GetItem."""
        item = self._read(_place(_KIND, token_sha256))
        return _readable(item) if item else None

    def all(self) -> list[Key]:
        """See KeyStore.all. One Query."""
        found = [key for item in self._items() if (key := _readable(item))]
        return sorted(found, key=lambda key: key.created_at or "")

    def put(self, token_sha256: str, key: Key, most: int = MAX_KEYS) -> bool:
        """See KeyStore.put. One GetItem, one Query and one TransactWriteItems."""
        for attempt in range(_TRIES):
            last = self._read(_LAST)
            if self._count(last) >= most:
                return False
            if self._transact([self._next(last, token_sha256), self._new(token_sha256, key)]):
                return True
            time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - jitter, no secret
        raise Contended("keys are being made by others: send the request again")

    def _count(self, last: Item) -> int:
        """Return the number of stored keys.

        A Query may miss a key that a transaction has just stored, but a GetItem does not. The
        newest key is therefore read separately.
        """
        stored = {item["id"]["S"] for item in self._items()}
        newest = last.get("newest", {}).get("S")
        if not newest or newest in stored:
            return len(stored)
        return len(stored) + bool(self._read(_place(_KIND, newest)))

    def _next(self, last: Item, token_sha256: str) -> dict[str, Any]:
        """Return the write that notes the new key as the newest. The write fails if another key has
        been stored since `last` was read."""
        item = _LAST | item_of(newest=token_sha256)
        return versioned(self._table, item, version_of(last))

    def _new(self, token_sha256: str, key: Key) -> dict[str, Any]:
        fields = msgspec.structs.asdict(key)
        fields["ends_at"] = fields.pop("expires_at")  # keys stay, and TTL deletes by expires_at
        fields["scopes"] = " ".join(key.scopes)
        item = item_of(kind=_KIND, id=token_sha256, **fields)
        return {"Put": {"TableName": self._table, "Item": item}}

    def remove(self, key_id: str) -> bool:
        """See KeyStore.remove. One Query and one DeleteItem."""
        for item in self._items():
            if item.get("key_id") == {"S": key_id}:
                place = _place(_KIND, item["id"]["S"])
                self._client.delete_item(TableName=self._table, Key=place)
                return True
        return False

    def count(self, key_id: str, minute: str, limit: int, weight: int = 1) -> bool:
        """See KeyStore.count. One UpdateItem, whose condition is that the limit is not exceeded."""
        return self._write_if(
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
        return list(self._partition("kind", _KIND, ConsistentRead=True))


def _place(kind: str, name: str) -> Item:
    return {"kind": {"S": kind}, "id": {"S": name}}


def _readable(item: Item) -> Key | None:
    """Return the API key of an item. None if the item cannot be read, so that it grants nothing."""
    return readable(_to_key, item, "key", ("key_id",))


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
