"""Repairs of moto's DynamoDB: queries that do not sort the table, and a stream as AWS's.

moto sorts every item of a table for each query, emits MODIFY where an identical item was put,
numbers an update that creates an item as two changes, keeps every iterator for ever, and
forgets all at the end.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from typing import Any

from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, GlobalSecondaryIndex, Table
from moto.dynamodbstreams.models import DynamoDBStreamsBackend

from local.emulator.item_changes import ItemChanges, stream_label
from local.emulator.table_items import TableItems

_TO_THE_END = "\U0010ffff"
_EQUAL = {"EQ", "="}
_UP_TO = {"LE", "<=", "LT", "<"}
_FROM = {"GE", ">=", "GT", ">"}


def install(connection: sqlite3.Connection, changed: Callable[[], None]) -> None:
    """Put the repairs into moto. `changed` is called for each record on a table's stream."""
    _keep_tables(connection, changed)
    _narrow_queries()
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


class _Narrowed:
    """A table as `Table.query` sees it, holding only what the query can return."""

    def __init__(self, table: Any, items: list[Item]) -> None:
        self._table = table
        self._items = items

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def all_items(self) -> list[Item]:
        return self._items


def _narrow_queries() -> None:
    query = Table.query

    def narrowed(
        self: Any,
        hash_key: Any,
        range_comparison: str | None,
        range_objs: list[DynamoType],
        limit: int | None,
        exclusive_start_key: dict[str, Any] | None,
        scan_index_forward: bool,
        projection_expressions: Any,
        index_name: str | None = None,
        consistent_read: bool = False,
        filter_expression: Any = None,
        hash_key_conditions: Any = None,
        **kwargs: Any,
    ) -> Any:
        view = self
        key = hash_key or (hash_key_conditions or [(None, None)])[0][1]
        if isinstance(self.items, TableItems) and key is not None:
            bounds = _bounds(range_comparison, range_objs)
            start = _start(self, exclusive_start_key, index_name)
            rows = _rows(self, key.value, bounds, start, index_name, not scan_index_forward)
            uncounted = {start, *_left_out(range_comparison, range_objs)}
            view = _Narrowed(self, _enough(rows, limit, uncounted))
        return query(
            view,
            hash_key,
            range_comparison,
            range_objs,
            limit,
            exclusive_start_key,
            scan_index_forward,
            projection_expressions,
            index_name,
            consistent_read,
            filter_expression,
            hash_key_conditions,
            **kwargs,
        )

    Table.query = narrowed


def _bounds(comparison: str | None, values: list[DynamoType]) -> tuple[str, str]:
    """Closed bounds that hold every range key for which the comparison can be true."""
    if comparison in _EQUAL:
        return values[0].value, values[0].value
    if comparison in _UP_TO:
        return "", values[0].value
    if comparison in _FROM:
        return values[0].value, _TO_THE_END
    if comparison == "BETWEEN":
        return values[0].value, values[1].value
    if comparison == "BEGINS_WITH":
        return values[0].value, values[0].value + _TO_THE_END
    return "", _TO_THE_END


def _start(table: Any, key: dict[str, Any] | None, index_name: str | None) -> str | None:
    """The range key, of the table or the index, after which the page starts."""
    if not key:
        return None
    name = table.range_key_attr
    if index_name:
        index = table.get_index(index_name)
        name = next((k["AttributeName"] for k in index.schema if k["KeyType"] == "RANGE"), None)
    return str(next(iter(key[name].values()))) if name in key else None


def _rows(
    table: Any,
    key: str,
    bounds: tuple[str, str],
    start: str | None,
    index_name: str | None,
    descending: bool,
) -> Any:
    low, high = bounds
    if start is not None:
        low, high = (low, min(high, start)) if descending else (max(low, start), high)
    if index_name and isinstance(table.get_index(index_name), GlobalSecondaryIndex):
        return table.items.index_range(index_name, key, low, high, descending=descending)
    return table.items.range_of(key, low, high, descending=descending)


def _left_out(comparison: str | None, values: list[DynamoType]) -> set[str]:
    """The bound of an open range: read, and not returned."""
    return {values[0].value} if comparison in {"LT", "<", "GT", ">"} else set()


def _enough(rows: Any, limit: int | None, uncounted: set[str | None]) -> list[Item]:
    """As many items as a page takes, and one that tells that there are more.

    moto itself skips the items up to the start key. Those whose sort key equals it, or an
    open bound, are not counted: in an index several may tie.
    """
    found: list[Item] = []
    counted = size = 0
    for sort_key, item in rows:
        found.append(item)
        if sort_key in uncounted:
            continue
        counted += 1
        size += item.size()
        if counted > (limit or counted) or size > RESULT_SIZE_LIMIT:
            break
    return found


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
    """An iterator that says where it stands, so that none need be remembered."""

    def __init__(self, stream_arn: str, position: int) -> None:
        self.arn = f"{stream_arn}|1|{base64.b64encode(str(position).encode()).decode()}"


def _check_sizes_once() -> None:
    """moto adds up an item's size for each attribute that is set; once an item is enough."""

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

    Item.__init__ = init
