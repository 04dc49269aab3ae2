"""Answers DynamoDB's queries by key from SQLite.

moto alone sorts all items of a table for each query, and copies and converts the results four
times. Here the conditions on keys find the rows, and moto applies only filters and projections.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from moto.dynamodb import responses
from moto.dynamodb.comparisons import OpDefault
from moto.dynamodb.models import utilities
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, Table

from embedded_aws.emulator.table_items import Row, TableItems

_TO_THE_END = "\U0010ffff"


class Bounds(msgspec.Struct, frozen=True):
    """The range of a query's sort keys, from `low` to `high`, without the key `open_at`."""

    low: str = ""
    high: str = _TO_THE_END
    open_at: str | None = None


class Plain(dict[str, Any]):
    """An item's attributes as DynamoDB JSON, which needs no further conversion."""


class Found(msgspec.Struct, frozen=True):
    """An item in the form that moto's answer to a query needs."""

    attrs: Plain


def install() -> None:
    """Replace moto's queries."""
    Table.query = _by_key(Table.query)
    responses.dynamo_to_dict = _unless_plain(utilities.dynamo_to_dict)


def _by_key(original: Any) -> Any:
    """Return a `Table.query` that reads only the rows that match the keys. If `_ask` returns None
    for a query, moto answers the query alone."""

    def query(
        self: Any,
        hash_key: Any,
        range_comparison: str | None,
        range_objs: list[DynamoType],
        limit: int | None,
        exclusive_start_key: dict[str, Any] | None,
        scan_index_forward: bool,
        projections: Any,
        index_name: str | None = None,
        consistent_read: bool = False,
        filter_expression: Any = None,
        hash_key_conditions: Any = None,
        range_key_conditions: Any = None,
        **filters: Any,
    ) -> Any:
        view = self
        asked = _ask(self, hash_key or (hash_key_conditions or [(None, None)])[0][1], index_name)
        if asked and not (consistent_read and index_name) and len(range_key_conditions or ()) < 2:
            bounds = _bounds(range_comparison, range_objs)
            rows = _rows(asked, bounds, exclusive_start_key, not scan_index_forward)
            if not projections and not filters and type(filter_expression) is OpDefault:
                return _page(asked, rows, limit)
            view = _Narrowed(self, _items_for_page(asked, rows, limit))
        where = (hash_key, range_comparison, range_objs, limit, exclusive_start_key)
        how = (scan_index_forward, projections, index_name, consistent_read, filter_expression)
        return original(view, *where, *how, hash_key_conditions, range_key_conditions, **filters)

    return query


def _unless_plain(convert: Any) -> Any:
    """Return a function that converts answers with moto, except for items that already are JSON."""

    def dynamo_to_dict(value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("Items"), list):
            items = value["Items"]
            if items and type(items[0]) is Plain:
                return {**convert({**value, "Items": []}), "Items": items}
        return convert(value)

    return dynamo_to_dict


class _Asked(msgspec.Struct, frozen=True):
    """What a query by key reads: a table or index, a hash key's value, and the keys' names."""

    items: TableItems
    hash_value: str
    index: str | None
    sort_name: str | None
    key_names: tuple[str, ...]


def _ask(table: Any, key: DynamoType | None, index_name: str | None) -> _Asked | None:
    """Return what a query reads. Return None if moto has to answer the query, because its table or
    index is not stored or it is invalid."""
    if not isinstance(table.items, TableItems) or key is None:
        return None
    own = tuple(name for name in (table.hash_key_attr, table.range_key_attr) if name)
    if not index_name:
        return _Asked(table.items, key.value, None, table.range_key_attr, own)
    index = next((i for i in table.global_indexes if i.name == index_name), None)
    if index is None or index.projection.get("ProjectionType") != "ALL":
        return None
    keys = {part["KeyType"]: part["AttributeName"] for part in index.schema}
    names = (*own, *(name for name in keys.values() if name not in own))
    return _Asked(table.items, key.value, index_name, keys.get("RANGE"), names)


def _bounds(comparison: str | None, values: list[DynamoType]) -> Bounds:
    match comparison:
        case None:
            return Bounds()
        case "EQ" | "=":
            return Bounds(values[0].value, values[0].value)
        case "LE" | "<=":
            return Bounds(high=values[0].value)
        case "LT" | "<":
            return Bounds(high=values[0].value, open_at=values[0].value)
        case "GE" | ">=":
            return Bounds(low=values[0].value)
        case "GT" | ">":
            return Bounds(low=values[0].value, open_at=values[0].value)
        case "BETWEEN":
            return Bounds(values[0].value, values[1].value)
        case "BEGINS_WITH":
            return Bounds(values[0].value, values[0].value + _TO_THE_END)
    raise ValueError(f"{comparison} is not a condition on a sort key")


def _rows(
    asked: _Asked, bounds: Bounds, start: dict[str, Any] | None, descending: bool
) -> Iterator[Row]:
    """Yield the rows within the bounds and after the start key."""
    low, high = bounds.low, bounds.high
    place = _place(asked, start) if start else None
    if place is not None:
        low, high = (low, min(high, place[0])) if descending else (max(low, place[0]), high)
    rows = asked.items.rows(asked.hash_value, low, high, index=asked.index, descending=descending)
    for row in rows:
        behind = place is None or (row.place < place if descending else row.place > place)
        if behind and row.sort_key != bounds.open_at:
            yield row


def _place(asked: _Asked, key: dict[str, Any]) -> tuple[str, ...]:
    """Return a start key's position: its sort key, and in an index also its key in the table."""
    text = {name: str(next(iter(value.values()))) for name, value in key.items()}
    sort_key = text.get(asked.sort_name or "", "")
    if asked.index is None:
        return (sort_key,)
    return (sort_key, *asked.items.key_of(text))


def _page(
    asked: _Asked, rows: Iterator[Row], limit: int | None
) -> tuple[list[Found], int, dict[str, Any] | None]:
    """Return up to `limit` items or a megabyte, their number, and the last key if more follow."""
    found: list[Found] = []
    size = 0
    for row in rows:
        attributes = Plain(row.attributes())
        size += _size(attributes)
        if len(found) == limit or (found and size > RESULT_SIZE_LIMIT):
            last = found[-1].attrs
            return found, len(found), {name: last[name] for name in asked.key_names}
        found.append(Found(attributes))
    return found, len(found), None


def _size(attributes: dict[str, Any]) -> int:
    """Return an item's size in bytes as moto computes it."""
    size = 0
    for name, value in attributes.items():
        ((kind, held),) = value.items()
        plain = kind in ("S", "N") and held.isascii() and name.isascii()
        size += len(name) + len(held) if plain else len(name.encode()) + DynamoType(value).size()
    return size


class _Narrowed:
    """A table that shows moto's own query only the items which the query can return."""

    def __init__(self, table: Any, items: list[Item]) -> None:
        self._table = table
        self._items = items

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def all_items(self) -> list[Item]:
        return self._items


def _items_for_page(asked: _Asked, rows: Iterator[Row], limit: int | None) -> list[Item]:
    """Return the items of a page, plus one that shows whether more follow."""
    found: list[Item] = []
    size = 0
    for row in rows:
        item = asked.items.item(row.raw)
        found.append(item)
        size += item.size()
        if len(found) > (limit or len(found)) or size > RESULT_SIZE_LIMIT:
            break
    return found
