"""Runs UNLOAD: writes a query's rows as Parquet objects under an empty S3 prefix."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from embedded_aws.athena.engine.aws import Aws
from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.athena.engine.statements import Unload
from embedded_aws.athena.engine.texts import value_text

MOST_PARTITIONS = 100
ROW_GROUP_ROWS = 1_000_000
"""Trino starts a new row group about every 128 MB."""

_NULL = "__HIVE_DEFAULT_PARTITION__"
_FORBIDDEN = "/=:%?*\"'#{}[]^\\"


def require_empty(aws: Aws, location: str) -> None:
    """Raise QueryError if any object exists below the location."""
    if next(aws.names(location), None) is not None:
        raise QueryError(
            "HIVE_PATH_ALREADY_EXISTS", f"Target directory for table already exists: {location}"
        )


def unload(aws: Aws, statement: Unload, reader: Any) -> tuple[list[str], int]:
    """Write a query's rows, and return the addresses of the written objects and the number of rows.

    Raises QueryError.
    """
    _require_columns(statement, reader.schema.names)
    parts = _Parts(aws, statement, reader.schema)
    for batch in reader:
        parts.add(batch)
    return parts.write(), parts.rows


def _require_columns(statement: Unload, names: list[str]) -> None:
    columns = list(statement.partitioned_by)
    missing = [column for column in columns if column not in names]
    if missing:
        raise QueryError("COLUMN_NOT_FOUND", f"Column '{missing[0]}' does not exist")
    if columns and names[-len(columns) :] != columns:
        raise QueryError(
            "SYNTAX_ERROR",
            "Partition keys must be the last columns in the table and in the same order as the"
            f" table properties: {columns}",
        )
    if len(set(names)) != len(names):
        raise QueryError("DUPLICATE_COLUMN_NAME", "a column's name is given twice")


class _Parts:
    """An UNLOAD's rows by the values of the partition columns, in order of arrival."""

    def __init__(self, aws: Aws, statement: Unload, schema: Any) -> None:
        self._aws = aws
        self._statement = statement
        self._columns = statement.partitioned_by
        kept = [field for field in schema if field.name not in self._columns]
        self._schema = pa.schema(kept)
        self._tables: dict[tuple[str, ...], list[Any]] = {}
        self.rows = 0

    def add(self, batch: Any) -> None:
        """Add a batch of rows. Raises QueryError above MOST_PARTITIONS partitions."""
        table = pa.Table.from_batches([batch])
        self.rows += table.num_rows
        for values, rows in self._split(table):
            self._tables.setdefault(values, []).append(rows.select(self._schema.names))
        if len(self._tables) > MOST_PARTITIONS:
            raise QueryError(
                "HIVE_TOO_MANY_OPEN_PARTITIONS",
                f"Exceeded limit of {MOST_PARTITIONS} open writers for partitions/buckets",
            )

    def _split(self, table: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        if not self._columns:
            yield (), table
            return
        distinct = table.select(self._columns).group_by(list(self._columns)).aggregate([])
        for row in distinct.to_pylist():
            mask: Any = None
            for column in self._columns:
                same = _equal(table[column], row[column])
                mask = same if mask is None else pc.and_(mask, same)
            yield tuple(_folder(value_text(row[c])) for c in self._columns), table.filter(mask)

    def write(self) -> list[str]:
        """Put an object for each partition that has rows, and return the objects' addresses."""
        written = []
        for values, tables in self._tables.items():
            rows = pa.concat_tables(tables)
            if not rows.num_rows:
                continue
            names = zip(self._columns, values, strict=True)
            folders = "".join(f"{name}={value}/" for name, value in names)
            address = f"{self._statement.location}{folders}{uuid.uuid4()}.parquet"
            self._aws.put(address, self._body(rows))
            written.append(address)
        return written

    def _body(self, rows: Any) -> bytes:
        sink = pa.BufferOutputStream()
        pq.write_table(
            rows,
            sink,
            compression=self._statement.compression,
            row_group_size=ROW_GROUP_ROWS,
            store_schema=False,
        )
        body: bytes = sink.getvalue().to_pybytes()
        return body


def _equal(column: Any, value: Any) -> Any:
    if value is None:
        return pc.is_null(column)
    return pc.fill_null(pc.equal(column, pa.scalar(value, column.type)), fill_value=False)


def _folder(value: str | None) -> str:
    if value is None:
        return _NULL
    return "".join(quote(char, safe="") if char in _FORBIDDEN else char for char in value)
