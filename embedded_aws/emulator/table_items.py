"""Stores moto's DynamoDB items in SQLite, and reads them by key.

moto holds a table's items in a dict of dicts, and sorts all items for every query. This mapping
imitates that dict. Its method `rows` yields only the items that a query can return, in order.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_IN_TABLE = """SELECT r, '', '', item FROM items
    WHERE tbl = ? AND h = ? AND r >= ? AND r <= ? ORDER BY """
_IN_INDEX = """SELECT e.ir, e.h, e.r, i.item FROM index_entries AS e JOIN items AS i
    ON i.tbl = e.tbl AND i.h = e.h AND i.r = e.r
    WHERE e.tbl = ? AND e.idx = ? AND e.ih = ? AND e.ir >= ? AND e.ir <= ? ORDER BY """
_RISING, _FALLING = _IN_TABLE + "r", _IN_TABLE + "r DESC"
_RISING_IN_INDEX = _IN_INDEX + "e.ir, e.h, e.r"
_FALLING_IN_INDEX = _IN_INDEX + "e.ir DESC, e.h DESC, e.r DESC"


def encode_item(item: Item) -> bytes:
    """Encode an item as DynamoDB JSON. An item of a put request already has that form."""
    # msgspec writes the bytes of binary values in base64, as DynamoDB's JSON has them.
    given = getattr(item, "given", None)
    if given is not None:
        return _encode(given)
    return _encode({name: value.to_regular_json() for name, value in item.attrs.items()})


def expiry(value: dict[str, Any] | None) -> int | None:
    """Return the epoch second in a time-to-live attribute, or None if DynamoDB would ignore it."""
    text = value.get("N") if value else None
    if text is None:
        return None
    seconds = float(text)
    return int(seconds) if abs(seconds) < _LATEST else None


_LATEST = 2.0**62
"""The latest expiry that is stored. It fits SQLite's integers, which end at 2**63 - 1."""


class Row(msgspec.Struct, frozen=True):
    """A stored item. `place` is its position in the order of a query."""

    sort_key: str
    place: tuple[str, ...]
    raw: bytes

    def attributes(self) -> dict[str, Any]:
        """Return the item as DynamoDB JSON."""
        attributes: dict[str, Any] = _decode(self.raw)
        return attributes


class TableItems:
    """moto's `Table.items` over SQLite: `items[hash][range]`, or `items[hash]` without a range key.

    All keys are strings (type S). Copies share the rows: moto copies a table only to undo a failed
    transaction, which the request's own transaction does here.
    """

    def __init__(self, table: Any, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._table = table
        self.name: str = table.name
        self._hash: str = table.hash_key_attr
        self._range: str | None = table.range_key_attr
        self._indexes = [(index.name, _index_keys(index)) for index in table.global_indexes]
        self._fill_new_indexes()

    def _fill_new_indexes(self) -> None:
        """Fill the table's indexes that have no entries, which are newer than the file."""
        filled = {
            index
            for index, _ in self._indexes
            if self._connection.execute(
                "SELECT 1 FROM index_entries WHERE tbl = ? AND idx = ? LIMIT 1", (self.name, index)
            ).fetchone()
        }
        new = {index for index, _ in self._indexes} - filled
        if not new:
            return
        found = self._connection.execute(
            "SELECT h, r, item FROM items WHERE tbl = ?", (self.name,)
        ).fetchall()
        for hash_value, range_value, raw in found:
            entries = self._entries(hash_value, range_value, self.item(raw))
            self._connection.executemany(
                "INSERT INTO index_entries VALUES (?, ?, ?, ?, ?, ?)",
                [entry for entry in entries if entry[1] in new],
            )

    def __deepcopy__(self, memo: dict[int, Any]) -> TableItems:
        return self

    def __getitem__(self, key: DynamoType) -> Any:
        if self._range:
            return Partition(self, key)
        return self.get(key.value, "")

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        self.put(key.value, "", item)

    def __contains__(self, key: DynamoType) -> bool:
        query = "SELECT 1 FROM items WHERE tbl = ? AND h = ? LIMIT 1"
        return self._connection.execute(query, (self.name, key.value)).fetchone() is not None

    def pop(self, key: DynamoType) -> Item:
        return self.remove(key.value, "")

    def values(self) -> Iterator[Any]:
        """Yield a partition for each hash key, or the items if the table has no range key."""
        query = "SELECT DISTINCT h FROM items WHERE tbl = ? ORDER BY h"
        for (key,) in self._connection.execute(query, (self.name,)).fetchall():
            yield self[DynamoType({"S": key})]

    def count(self) -> int:
        """Return the number of items."""
        query = "SELECT count(*) FROM items WHERE tbl = ?"
        return int(self._connection.execute(query, (self.name,)).fetchone()[0])

    def get(self, hash_value: str, range_value: str) -> Item:
        """Return an item. Raises KeyError."""
        row = self._connection.execute(
            "SELECT item FROM items WHERE tbl = ? AND h = ? AND r = ?",
            (self.name, hash_value, range_value),
        ).fetchone()
        if row is None:
            raise KeyError(hash_value, range_value)
        return self.item(row[0])

    def expires_by(self) -> str | None:
        """Return the attribute that holds the time to live, or None if it is not enabled."""
        ttl = self._table.ttl
        return ttl["AttributeName"] if ttl.get("TimeToLiveStatus") == "ENABLED" else None

    def _expiry(self, item: Item) -> int | None:
        attribute = self.expires_by()
        value = item.attrs.get(attribute) if attribute else None
        return expiry({value.type: value.value}) if value is not None else None

    def put(self, hash_value: str, range_value: str, item: Item) -> None:
        self._unindex(hash_value, range_value)
        self._connection.execute(
            "INSERT OR REPLACE INTO items (tbl, h, r, item, expires) VALUES (?, ?, ?, ?, ?)",
            (self.name, hash_value, range_value, encode_item(item), self._expiry(item)),
        )
        self._connection.executemany(
            "INSERT INTO index_entries VALUES (?, ?, ?, ?, ?, ?)",
            self._entries(hash_value, range_value, item),
        )

    def remove(self, hash_value: str, range_value: str) -> Item:
        """Remove and return an item. Raises KeyError."""
        item = self.get(hash_value, range_value)
        self._unindex(hash_value, range_value)
        self._connection.execute(
            "DELETE FROM items WHERE tbl = ? AND h = ? AND r = ?",
            (self.name, hash_value, range_value),
        )
        return item

    def _unindex(self, hash_value: str, range_value: str) -> None:
        if not self._indexes:
            return
        with contextlib.suppress(KeyError):  # the item is not stored yet
            item = self.get(hash_value, range_value)
            self._connection.executemany(
                "DELETE FROM index_entries WHERE tbl = ? AND idx = ? AND ih = ? AND ir = ?"
                " AND h = ? AND r = ?",
                self._entries(hash_value, range_value, item),
            )

    def _entries(self, hash_value: str, range_value: str, item: Item) -> list[tuple[str, ...]]:
        entries = []
        for index, keys in self._indexes:
            if all(key in item.attrs for key in keys):
                values = [*(item.attrs[key].value for key in keys), ""][:2]
                entries.append((self.name, index, *values, hash_value, range_value))
        return entries

    def partition(self, hash_value: str) -> Iterator[Item]:
        """Yield all items with a hash key, in order of the range key."""
        rows = self._connection.execute(
            "SELECT item FROM items WHERE tbl = ? AND h = ? ORDER BY r", (self.name, hash_value)
        )
        for (raw,) in rows.fetchall():
            yield self.item(raw)

    def key_of(self, text: dict[str, str]) -> tuple[str, str]:
        """Return the hash key and the range key from an item's values by attribute name. The range
        key is empty if the table has none."""
        return text[self._hash], text[self._range] if self._range else ""

    def item(self, raw: bytes) -> Item:
        """Decode a row's item without moto's size check, which the writing has done."""
        item = Item.__new__(Item)
        attrs = LimitedSizeDict.__new__(LimitedSizeDict)
        for name, value in _decode(raw).items():
            dict.__setitem__(attrs, name, DynamoType(value))
        item.attrs = attrs
        item.hash_key = attrs[self._hash]
        item.range_key = attrs[self._range] if self._range else None
        return item

    def rows(
        self, hash_value: str, low: str, high: str, *, index: str | None, descending: bool
    ) -> Iterator[Row]:
        """Yield the rows with `low <= sort key <= high` in order, reading them lazily.

        Rows with equal keys in a global secondary index are in the order of the table's key.
        """
        if index is None:
            query = _FALLING if descending else _RISING
            found = self._connection.execute(query, (self.name, hash_value, low, high))
        else:
            query = _FALLING_IN_INDEX if descending else _RISING_IN_INDEX
            found = self._connection.execute(query, (self.name, index, hash_value, low, high))
        for sort_key, hash_of, range_of, raw in found:
            place = (sort_key,) if index is None else (sort_key, hash_of, range_of)
            yield Row(sort_key, place, raw)


class Partition:
    """The items with one hash key, in place of moto's inner dict."""

    def __init__(self, items: TableItems, key: DynamoType) -> None:
        self._items = items
        self._hash: str = key.value

    def __getitem__(self, key: DynamoType) -> Item:
        return self._items.get(self._hash, key.value)

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        self._items.put(self._hash, key.value, item)

    def pop(self, key: DynamoType) -> Item:
        return self._items.remove(self._hash, key.value)

    def values(self) -> Iterator[Item]:
        return self._items.partition(self._hash)

    def __len__(self) -> int:
        return sum(1 for _ in self.values())


def _index_keys(index: Any) -> list[str]:
    ordered = sorted(index.schema, key=lambda key: str(key["KeyType"]))  # HASH before RANGE
    return [key["AttributeName"] for key in ordered]
