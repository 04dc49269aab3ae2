"""Encodes Glue's databases, tables and partitions as msgpack, to store them in SQLite."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Any

import msgspec


class StoredTable(msgspec.Struct):
    """A table with all versions of its description. Its partitions have rows of their own."""

    database_name: str
    name: str
    catalog_id: str
    created_time: datetime
    updated_time: datetime | None
    _current_version: int
    versions: dict[str, Any]


class StoredDatabase(msgspec.Struct):
    """A database and its tables, in the order of creation."""

    name: str
    input: dict[str, Any]
    catalog_id: str
    created_time: datetime
    tables: list[StoredTable]


class StoredPartition(msgspec.Struct):
    """A partition as a request to Glue described it."""

    creation_time: datetime
    database_name: str
    table_name: str
    partition_input: dict[str, Any]


_encode = msgspec.msgpack.Encoder().encode
_databases = msgspec.msgpack.Decoder(list[StoredDatabase]).decode
_partition = msgspec.msgpack.Decoder(StoredPartition).decode


def encode_databases(databases: dict[str, Any]) -> bytes:
    """Encode moto's databases and their tables."""
    found = []
    for database in databases.values():
        tables = [_copy_fields(StoredTable, table) for table in database.tables.values()]
        found.append(_copy_fields(StoredDatabase, database, tables=tables))
    return _encode(found)


def encode_partition(partition: Any) -> bytes:
    """Encode a partition of moto."""
    return _encode(_copy_fields(StoredPartition, partition))


def _copy_fields(kind: type[Any], source: Any, **given: Any) -> Any:
    """Return a struct with the fields of moto's object, except for the `given` fields."""
    names = [name for name in kind.__struct_fields__ if name not in given]
    return kind(**{name: getattr(source, name) for name in names}, **given)


def decode_databases(raw: bytes) -> OrderedDict[str, Any]:
    """Return the databases that `encode_databases` encoded. Their tables have no partitions yet.

    Raises msgspec.DecodeError or ValidationError for other bytes.
    """
    from moto.glue.models import FakeDatabase, FakeTable

    found = OrderedDict()
    for kept in _databases(raw):
        database = _made(FakeDatabase, kept)
        database.tables = OrderedDict((one.name, _made(FakeTable, one)) for one in kept.tables)
        found[kept.name] = database
    return found


def decode_partition(raw: bytes) -> Any:
    """Return the partition that `encode_partition` encoded. Raises as `decode_databases` does."""
    from moto.glue.models import FakePartition

    partition = _made(FakePartition, _partition(raw))
    partition.values = partition.partition_input.get("Values", [])
    return partition


def decode_partition_input(raw: bytes) -> dict[str, Any]:
    """Return the request to Glue that described an encoded partition."""
    return _partition(raw).partition_input


def _made(kind: type[Any], kept: msgspec.Struct) -> Any:
    made = object.__new__(kind)
    for name in kept.__struct_fields__:
        setattr(made, name, getattr(kept, name))
    return made
