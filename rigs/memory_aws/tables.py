"""A DynamoDB table in memory: items in the order of their range keys, and a stream of changes."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

Item = Mapping[str, Mapping[str, Any]]
Key = tuple[str, str]


MAX_ITEM_BYTES = 400 * 1024


def _bytes_of(value: Mapping[str, Any]) -> int:
    """Return an attribute's size. Only texts count, since long attributes are texts."""
    held = value.get("S")
    return len(held.encode()) if held is not None else 0


def error(operation: str, code: str, status: int, message: str = "") -> ClientError:
    """Return the error that botocore raises for an error code and a status of AWS."""
    answer = {
        "Error": {"Code": code, "Message": message or code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)


class Table:
    """One table. Keys are texts, and `stream` gets a record for each change of an item. Putting an
    identical item changes nothing and leaves no record, as on AWS."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.hash: str = description["hash"]
        self.range: str | None = description.get("range")
        self.indexes: Mapping[str, Any] = description.get("indexes", {})
        self.has_stream = "stream" in description
        self.items: dict[Key, Item] = {}
        self.stream: list[dict[str, Any]] = []
        self._ranges: dict[str, list[str]] = {}

    def key_of(self, item: Item) -> Key:
        """Return the key of an item, or of a request's Key."""
        return item[self.hash]["S"], item[self.range]["S"] if self.range else ""

    def put(self, item: Item) -> None:
        """Add or replace an item. Raises ClientError, as AWS does, if the item is too large."""
        if sum(map(_bytes_of, item.values())) > MAX_ITEM_BYTES:
            message = "Item size has exceeded the maximum allowed size"
            raise error("PutItem", "ValidationException", 400, message)
        key = self.key_of(item)
        before = self.items.get(key)
        if before is None:
            bisect.insort(self._ranges.setdefault(key[0], []), key[1])
        self.items[key] = dict(item)
        if before != item:
            self._record("INSERT" if before is None else "MODIFY", item)

    def remove(self, key: Key) -> None:
        """Delete the item with this key, if there is one."""
        before = self.items.pop(key, None)
        if before is not None:
            self._ranges[key[0]].remove(key[1])
            self._record("REMOVE", before)

    def _record(self, name: str, item: Item) -> None:
        if not self.has_stream:
            return
        number = str(len(self.stream) + 1)
        change: dict[str, Any] = {
            "Keys": {name: item[name] for name in (self.hash, self.range) if name},
            "SequenceNumber": number,
            "StreamViewType": "NEW_IMAGE",
        }
        if name != "REMOVE":
            change["NewImage"] = dict(item)
        self.stream.append({"eventID": number, "eventName": name, "dynamodb": change})

    def between(self, hash_value: str, low: str, high: str) -> list[Item]:
        """Return the items of a hash key with `low <= range key <= high`, in order."""
        keys = self._ranges.get(hash_value, [])
        first, last = bisect.bisect_left(keys, low), bisect.bisect_right(keys, high)
        return [self.items[hash_value, key] for key in keys[first:last]]

    def indexed(self, index: str, hash_value: str) -> list[Item]:
        """Return the items with this hash key of an index, in the order of the index's range
        key."""
        names = self.indexes[index]
        found = [
            item
            for item in self.items.values()
            if item.get(names["hash"]) == {"S": hash_value}
            and names.get("range", self.hash) in item
        ]
        order = names.get("range", self.hash)
        return sorted(found, key=lambda item: (item[order]["S"], self.key_of(item)))
