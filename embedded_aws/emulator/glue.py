"""Stores moto's Glue in SQLite: a row for each partition, and one for all databases and tables.

The first request to Glue imports moto's Glue.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, MutableMapping
from typing import Any

from embedded_aws.emulator.stored_catalog import (
    decode_databases,
    decode_partition,
    decode_partition_input,
    encode_databases,
    encode_partition,
)

_READING = ("Get", "List", "Search", "BatchGet")
_OF_PARTITIONS = "Partition"


class Glue:
    """Loads the stored catalog into moto once, and stores the changes that requests make."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loaded = False

    def load(self) -> None:
        """Load the stored catalog into moto. The caller has begun a transaction."""
        if self._loaded:
            return
        self._loaded = True
        from moto.glue.models import FakeTable, glue_backends

        connection, create = self._connection, FakeTable.__init__

        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            create(self, *args, **kwargs)
            self.partitions = Partitions(connection, _place(self.database_name, self.name))
            self.partitions.clear()

        FakeTable.__init__ = init
        rows = self._connection.execute("SELECT place, databases FROM glue_databases").fetchall()
        for place, raw in rows:
            account, region = json.loads(place)
            backend = glue_backends[account][region]
            backend.databases = decode_databases(raw)
            for database in backend.databases.values():
                for table in database.tables.values():
                    of_table = _place(table.database_name, table.name)
                    table.partitions = Partitions(self._connection, of_table)

    def save(self, target: str) -> None:
        """Store all databases in the request's transaction. `target` is the request's X-Amz-Target.

        Does nothing if the operation only reads, or changes partitions, which have their own rows.
        """
        operation = target.rpartition(".")[2]
        if operation.startswith(_READING) or _OF_PARTITIONS in operation:
            return
        from moto.glue.models import glue_backends

        for account, region, backend in glue_backends.iter_backends():
            self._connection.execute(
                "INSERT OR REPLACE INTO glue_databases VALUES (?, ?)",
                (json.dumps([account, region]), encode_databases(backend.databases)),
            )


def list_partitions(connection: sqlite3.Connection, database: str, table: str) -> bytes:
    """Return a table's partitions as JSON with values and location, read directly from SQLite. moto
    would take a millisecond for each."""
    rows = connection.execute(
        "SELECT partition FROM glue_partitions WHERE place = ? ORDER BY key",
        (_place(database, table),),
    )
    found = [decode_partition_input(row[0]) for row in rows]
    return json.dumps(
        [[one["Values"], one.get("StorageDescriptor", {}).get("Location", "")] for one in found]
    ).encode()


def _place(database: str, table: str) -> str:
    return f"{database}/{table}".lower()


class Partitions(MutableMapping[str, Any]):
    """moto's `FakeTable.partitions` over SQLite, sorted by values."""

    def __init__(self, connection: sqlite3.Connection, place: str) -> None:
        self._connection = connection
        self._place = place

    def __getitem__(self, key: str) -> Any:
        row = self._connection.execute(
            "SELECT partition FROM glue_partitions WHERE place = ? AND key = ?", (self._place, key)
        ).fetchone()
        if row is None:
            raise KeyError(key)
        return decode_partition(row[0])

    def __setitem__(self, key: str, partition: Any) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO glue_partitions VALUES (?, ?, ?)",
            (self._place, key, encode_partition(partition)),
        )

    def __delitem__(self, key: str) -> None:
        deleted = self._connection.execute(
            "DELETE FROM glue_partitions WHERE place = ? AND key = ?", (self._place, key)
        )
        if not deleted.rowcount:
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        rows = self._connection.execute(
            "SELECT key FROM glue_partitions WHERE place = ? ORDER BY key", (self._place,)
        )
        return iter([row[0] for row in rows])

    def __len__(self) -> int:
        query = "SELECT count(*) FROM glue_partitions WHERE place = ?"
        return int(self._connection.execute(query, (self._place,)).fetchone()[0])

    def values(self) -> Any:
        """Return all partitions, which one statement reads."""
        rows = self._connection.execute(
            "SELECT partition FROM glue_partitions WHERE place = ? ORDER BY key", (self._place,)
        )
        return [decode_partition(row[0]) for row in rows]

    def clear(self) -> None:
        """Delete all partitions: a new table has none, even if an earlier table had its name."""
        self._connection.execute("DELETE FROM glue_partitions WHERE place = ?", (self._place,))
