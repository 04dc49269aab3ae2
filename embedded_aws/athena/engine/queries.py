"""Runs a planned query and returns its rows as Arrow batches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from embedded_aws.athena.engine.catalog import Shape, Table
from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.athena.engine.hive_types import to_arrow_schema
from embedded_aws.athena.engine.planning import Plan
from embedded_aws.athena.engine.scanning import Lake, LakeTable
from embedded_aws.athena.engine.typing import refused

_ROWS_AT_ONCE = 50_000
_MARKED = re.compile(r"\b([A-Z][A-Z_]{5,}): ([^\n]*)")


class Query:
    """A planned query on a DuckDB connection, which another thread may interrupt."""

    def __init__(self, plan: Plan, lake: Lake, connection: Any) -> None:
        self._plan = plan
        self._lake = lake
        self._connection = connection

    def batches(self) -> Any:
        """Return a reader of the rows with Athena's names. Raises QueryError, ScanLimitError."""
        for name, (table, shape) in self._plan.tables.items():
            self._connection.register(name, self._scanned(table, shape))
        try:
            reader = self._connection.sql(self._plan.sql).to_arrow_reader(_ROWS_AT_ONCE)
            schema = self._schema(reader.schema)
            return pa.RecordBatchReader.from_batches(schema, self._each(reader, schema))
        except duckdb.Error as error:
            raise self._reason(error) from error

    def _reason(self, error: Exception) -> Exception:
        """Return the error to raise for an error of DuckDB.

        If a scan failed, this is the scan's error. If the query was interrupted, it is DuckDB's
        error; otherwise a QueryError with Trino's error name.
        """
        if self._lake.failure is not None:
            return self._lake.failure
        if type(error) is duckdb.InterruptException:
            return error
        for marked in _MARKED.findall(str(error)):
            return QueryError(*marked)
        return refused(str(error), "GENERIC_INTERNAL_ERROR")

    def _each(self, reader: Any, schema: Any) -> Iterator[Any]:
        try:
            for batch in reader:
                columns = [
                    column.cast(field.type) if column.type != field.type else column
                    for column, field in zip(batch.columns, schema, strict=True)
                ]
                yield pa.record_batch(columns, schema=schema)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise self._reason(error) from error

    def _schema(self, given: Any) -> Any:
        """Return the result's schema with Athena's column names. DuckDB's HUGEINT (the type of an
        integer sum) becomes bigint."""
        fields = []
        for (name, kind), field in zip(self._plan.columns, given, strict=True):
            fields.append(pa.field(name, pa.int64() if kind == "HUGEINT" else field.type))
        return pa.schema(fields)

    def _scanned(self, table: Table, shape: Shape) -> Any:
        if shape == "partitions":
            return self._partitions(table)
        return LakeTable(table, self._lake, shape)

    def _partitions(self, table: Table) -> Any:
        found = [partition.values for partition in self._lake.catalog.partitions(table)]
        schema = to_arrow_schema(table.partition_columns)
        rows = [dict(zip(schema.names, values, strict=True)) for values in found]
        texts = pa.schema([(name, pa.string()) for name in schema.names])
        return pa.Table.from_pylist(rows, texts).cast(schema)
