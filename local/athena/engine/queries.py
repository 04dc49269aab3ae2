"""A SELECT from Athena's text to Arrow's batches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from local.athena.engine import binding, semantics, session
from local.athena.engine.catalog import Table
from local.athena.engine.failures import QueryError
from local.athena.engine.hive_types import to_arrow
from local.athena.engine.scanning import Lake, LakeTable, schema_of
from local.athena.engine.typing import Types, refused

_ROWS_AT_ONCE = 50_000
_MARKED = re.compile(r"\b([A-Z][A-Z_]{5,}): ([^\n]*)")


class Query:
    """A statement that is understood, on a connection that can be interrupted."""

    def __init__(self, text: str, database: str, lake: Lake, connection: Any) -> None:
        self._lake = lake
        self._connection = connection
        binder = binding.Binder(lake.catalog, database)
        tree = binder.bind(binding.parse(text))
        _name_columns(tree)
        self._tables = binder.tables
        with session.connect() as empty:
            for name, (table, shape) in self._tables.items():
                empty.register("shape", _schema(table, shape).empty_table())
                empty.execute(f'CREATE TABLE "{name}" AS FROM shape')
                empty.unregister("shape")
            try:
                self.sql = semantics.rewrite(tree, Types(empty)).sql("duckdb")
                self._described = _described(empty, self.sql)
            except duckdb.Error as error:
                raise refused(str(error)) from error
        self.names = [name for name, _ in self._described]

    def batches(self) -> Any:
        """A reader of the rows. Raises QueryError, ScanLimitError."""
        for name, (table, shape) in self._tables.items():
            self._connection.register(name, self._scanned(table, shape))
        try:
            reader = self._connection.sql(self.sql).to_arrow_reader(_ROWS_AT_ONCE)
            schema = self._schema(reader.schema)
            return pa.RecordBatchReader.from_batches(schema, self._each(reader, schema))
        except duckdb.Error as error:
            raise self.reason(error) from error

    def reason(self, error: Exception) -> Exception:
        """Why DuckDB stopped: what a scan raised, else its own words under Trino's name."""
        if self._lake.failure is not None:
            return self._lake.failure
        text = str(error)
        for marked in _MARKED.findall(text):
            return QueryError(*marked)
        return refused(text)

    def _each(self, reader: Any, schema: Any) -> Iterator[Any]:
        try:
            for batch in reader:
                yield pa.record_batch(
                    [
                        column.cast(field.type) if column.type != field.type else column
                        for column, field in zip(batch.columns, schema, strict=True)
                    ],
                    schema=schema,
                )
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise self.reason(error) from error

    def _schema(self, given: Any) -> Any:
        """Athena's names, and bigint for DuckDB's sums of integers."""
        fields = []
        for name, (_, kind), field in zip(self.names, self._described, given, strict=True):
            fields.append(pa.field(name, pa.int64() if kind == "HUGEINT" else field.type))
        return pa.schema(fields)

    def _scanned(self, table: Table, shape: binding.Shape) -> Any:
        if shape == "partitions":
            return self._partitions(table)
        return LakeTable(table, self._lake, with_path=shape == "rows and path")

    def _partitions(self, table: Table) -> Any:
        found = [partition.values for partition in self._lake.catalog.partitions(table)]
        schema = _schema(table, "partitions")
        rows = [dict(zip(schema.names, values, strict=True)) for values in found]
        strings = pa.Table.from_pylist(
            rows, pa.schema([(name, pa.string()) for name in schema.names])
        )
        return strings.cast(schema)


def _name_columns(tree: exp.Expression) -> None:
    """Trino names what has no name by its place: `_col0`."""
    while not isinstance(tree, exp.Select):
        tree = tree.this
    tree.set(
        "expressions",
        [
            one
            if isinstance(one, (exp.Alias, exp.Column, exp.Star))
            else exp.alias_(one, f"_col{at}", quoted=True)
            for at, one in enumerate(tree.expressions)
        ],
    )


def _schema(table: Table, shape: binding.Shape) -> Any:
    if shape != "partitions":
        return schema_of(table, with_path=shape == "rows and path")
    return pa.schema([(name, to_arrow(kind)) for name, kind in table.partition_columns])


def _described(connection: Any, sql: str) -> list[tuple[str, str]]:
    rows = connection.execute(f"DESCRIBE {sql}").fetchall()
    return [(row[0], row[1]) for row in rows]
