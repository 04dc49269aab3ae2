"""The stored form of Glue's databases, tables and partitions in SQLite: msgpack."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Any

import msgspec


class StoredTable(msgspec.Struct):
    """A table with all versions of its description; its partitions have their own rows."""

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
    """A partition as it was described."""

    creation_time: datetime
    database_name: str
    table_name: str
    partition_input: dict[str, Any]


_encode = msgspec.msgpack.Encoder().encode
_databases = msgspec.msgpack.Decoder(list[StoredDatabase]).decode
_partition = msgspec.msgpack.Decoder(StoredPartition).decode


def encode_databases(databases: dict[str, Any]) -> bytes:
    """Encode moto's databases."""
    found = []
    for database in databases.values():
        tables = [_copy_fields(StoredTable, table) for table in database.tables.values()]
        found.append(_copy_fields(StoredDatabase, database, tables=tables))
    return _encode(found)


def encode_partition(partition: Any) -> bytes:
    """Encode moto's partition."""
    return _encode(_copy_fields(StoredPartition, partition))


def _copy_fields(kind: type[Any], source: Any, **given: Any) -> Any:
    """Return a struct of this kind with the fields of moto's object, apart from `given` ones."""
    names = [name for name in kind.__struct_fields__ if name not in given]
    return kind(**{name: getattr(source, name) for name in names}, **given)


def decode_databases(raw: bytes) -> OrderedDict[str, Any]:
    """Decode what `encode_databases` returned; the tables have no partitions yet.

    Raises msgspec.DecodeError or ValidationError for anything else, as `decode_partition` does.
    """
    from moto.glue.models import FakeDatabase, FakeTable

    found = OrderedDict()
    for kept in _databases(raw):
        database = _made(FakeDatabase, kept)
        database.tables = OrderedDict((one.name, _made(FakeTable, one)) for one in kept.tables)
        found[kept.name] = database
    return found


def decode_partition(raw: bytes) -> Any:
    """Decode the result of `encode_partition`."""
    from moto.glue.models import FakePartition

    partition = _made(FakePartition, _partition(raw))
    partition.values = partition.partition_input.get("Values", [])
    return partition


def decode_partition_input(raw: bytes) -> dict[str, Any]:
    """Return a partition's input to Glue."""
    return _partition(raw).partition_input


def _made(kind: type[Any], kept: msgspec.Struct) -> Any:
    made = object.__new__(kind)
    for name in kept.__struct_fields__:
        setattr(made, name, getattr(kept, name))
    return made
