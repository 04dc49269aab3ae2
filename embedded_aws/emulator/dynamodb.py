"""Patches moto's DynamoDB: items are persistent, and streams behave like AWS's.

Without the patches, an identical put emits MODIFY, and an update that creates an item counts as two
changes. moto also keeps every iterator forever, computes an item's size again for each attribute,
and loses everything at its end.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from typing import Any

from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodbstreams.models import DynamoDBStreamsBackend

from embedded_aws.emulator import inserts, queries
from embedded_aws.emulator.item_changes import ItemChanges, stream_label
from embedded_aws.emulator.table_items import TableItems


def install(connection: sqlite3.Connection, changed: Callable[[], None]) -> None:
    """Install the patches. `changed` is called for each record that a table's stream gets."""
    _keep_tables(connection, changed)
    queries.install()
    inserts.install()
    _change_as_aws_does()
    _stateless_iterators()
    _check_sizes_once()


def _keep_tables(connection: sqlite3.Connection, changed: Callable[[], None]) -> None:
    create, specify = Table.__init__, Table.set_stream_specification

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        create(self, *args, **kwargs)
        if {self.hash_key_type, self.range_key_type or "S"} == {"S"}:
            self.items = TableItems(self, connection)

    def set_stream_specification(self: Any, streams: Any) -> None:
        specify(self, streams)
        if self.stream_shard is not None:
            self.latest_stream_label = stream_label(connection, self.name)
            self.stream_shard = ItemChanges(self, connection, changed)

    def length(self: Any) -> int:
        if isinstance(self.items, TableItems):
            return self.items.count()
        return sum(len(v) if self.has_range_key else 1 for v in self.items.values())

    Table.__init__ = init
    Table.set_stream_specification = set_stream_specification
    Table.__len__ = length


def _change_as_aws_does() -> None:
    update = DynamoDBBackend.update_item

    def update_item(self: Any, table_name: str, key: dict[str, Any], *a: Any, **k: Any) -> Item:
        table = self.get_table(table_name)
        if not isinstance(table.items, TableItems):
            return update(self, table_name, key, *a, **k)
        hash_key = DynamoType(key[table.hash_key_attr])
        range_key = DynamoType(key[table.range_key_attr]) if table.range_key_attr else None
        before = table.get_item(hash_key, range_key)
        shard, table.stream_shard = table.stream_shard, None
        try:
            after = update(self, table_name, key, *a, **k)
        finally:
            table.stream_shard = shard
        table.items.put(hash_key.value, range_key.value if range_key else "", after)
        if shard is not None:
            shard.add(before, after)
        return after

    DynamoDBBackend.update_item = update_item


def _stateless_iterators() -> None:
    def get_shard_iterator(
        self: Any, arn: str, shard_id: str, kind: str, sequence_number: int | None = None
    ) -> Any:
        shard = self._get_table_from_arn(arn).stream_shard
        if shard.id != shard_id:
            raise ValueError(f"unknown shard {shard_id}")
        return _Iterator(arn, shard.position(kind, sequence_number))

    def get_records(self: Any, iterator: str, limit: int) -> dict[str, Any]:
        arn, _, encoded = iterator.split("|")
        position = int(base64.b64decode(encoded))
        records, position = self._get_table_from_arn(arn).stream_shard.after(position, limit)
        return {"NextShardIterator": _Iterator(arn, position).arn, "Records": records}

    DynamoDBStreamsBackend.get_shard_iterator = get_shard_iterator
    DynamoDBStreamsBackend.get_records = get_records


class _Iterator:
    """A stream's iterator, which encodes its position so that it need not be stored."""

    def __init__(self, stream_arn: str, position: int) -> None:
        self.arn = f"{stream_arn}|1|{base64.b64encode(str(position).encode()).decode()}"


def _check_sizes_once() -> None:
    """Compute an item's size once. moto computes it again for each attribute."""

    def init(
        self: Any, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]
    ) -> None:
        self.hash_key = hash_key
        self.range_key = range_key
        self.attrs = LimitedSizeDict()
        for name, value in attrs.items():
            dict.__setitem__(self.attrs, name, DynamoType(value))
        if self.size() > 405_000:
            raise ItemSizeTooLarge
        self.given = attrs

    Item.__init__ = init
