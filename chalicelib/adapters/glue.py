"""Glue's catalog: the partitions of the Parquet tables, and the view that joins them with the raw
archive."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

import msgspec

from chalicelib.adapters.lake_marks import marks_of, parameters_of
from chalicelib.services.lake.lake_sql import DAYS_OF_TICKS, HISTORY, Table
from chalicelib.services.lake.stores import CompactedPeriod, CompactionState
from chalicelib.services.reports.lists import LakeState

VIEW = "all_ticks"
RAW_LINES = "raw_lines"

_BATCH = 100
_DELETED = 25
_EXISTS = "AlreadyExistsException"
_INPUT = (
    "Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys",
    "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters",
)  # fmt: skip
_OPENS, _CLOSES = "/* Presto View: ", " */"


class CatalogError(RuntimeError):
    """Glue refused some partitions of a batch."""


def view_text(database: str, statement: str, columns: Sequence[Sequence[str]]) -> str:
    """Return a view's text as Athena stores it in Glue. `columns` has each column's name and Glue
    type."""
    document = {
        "originalSql": statement,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": name, "type": _presto(kind)} for name, kind in columns],
    }
    return f"{_OPENS}{base64.b64encode(msgspec.json.encode(document)).decode()}{_CLOSES}"


def _presto(kind: str) -> str:
    return "varchar" if kind == "string" else kind


class GlueCatalog:
    """Implements Catalog on one database in Glue."""

    def __init__(self, client: Any, database: str) -> None:
        self._client = client
        self._database = database
        self._descriptor = cache(self._descriptor_of)

    def marks(self) -> CompactionState:
        """See Catalog.marks."""
        return marks_of(self._table(VIEW).get("Parameters", {}))

    def lake_state(self) -> LakeState:
        """Return the state of the lake that determines how many LIST requests a report makes."""
        marks = self.marks()
        dates = self._table(RAW_LINES)["Parameters"]["projection.date.range"]
        return LakeState(
            dates.partition(",")[0].strip(),
            marks.compacted_until,
            marks.months,
            frozenset(self.parts(DAYS_OF_TICKS)),
            len(self.parts(HISTORY["1d"])),
        )

    def record(self, marks: CompactionState) -> None:
        """See Catalog.record."""
        self._update_view(self._table(VIEW), marks)

    def move(self, marks: CompactionState, statements: Mapping[str, str]) -> None:
        """See Catalog.move."""
        for name, statement in statements.items():
            view = self._table(name)
            columns = [(c["Name"], c["Type"]) for c in view["StorageDescriptor"]["Columns"]]
            text = view_text(self._database, statement, columns)
            if name == VIEW:
                self._update_view({**view, "ViewOriginalText": text}, marks)
            elif text != view.get("ViewOriginalText"):
                self._update_view({**view, "ViewOriginalText": text})

    def _update_view(self, view: Mapping[str, Any], marks: CompactionState | None = None) -> None:
        wanted = {name: view[name] for name in _INPUT if name in view}
        told = parameters_of(marks) if marks else {}
        wanted["Parameters"] = {**view.get("Parameters", {}), **told}
        self._client.update_table(DatabaseName=self._database, TableInput=wanted, SkipArchive=True)

    def parts(self, table: Table) -> dict[str, CompactedPeriod]:
        """See Catalog.parts."""
        return {entry["Values"][0]: _part(entry) for entry in self._partitions(table.name)}

    def switch(self, table: Table, parts: Mapping[str, CompactedPeriod]) -> None:
        """See Catalog.switch. Partitions that another run has added meanwhile are switched, too."""
        inputs = [self._input(table.name, [day], part) for day, part in parts.items()]
        for chunk in _chunks(inputs, _BATCH):
            there = self._create(table.name, chunk)
            if there:
                self._update(table.name, [one for one in chunk if one["Values"] in there])

    def stage(self, table: Table, run: str, locations: Mapping[str, str]) -> None:
        """See Catalog.stage."""
        inputs = [
            self._input(table.unchecked, [run, day], CompactedPeriod(location, run, 0, ""))
            for day, location in locations.items()
        ]
        for chunk in _chunks(inputs, _BATCH):
            self._create(table.unchecked, chunk)

    def unstage(self, table: Table) -> None:
        """See Catalog.unstage."""
        staged = [entry["Values"] for entry in self._partitions(table.unchecked)]
        self._delete(table.unchecked, staged)

    def drop(self, table: Table, periods: Sequence[str]) -> None:
        """See Catalog.drop."""
        self._delete(table.name, [[period] for period in periods])

    def _delete(self, name: str, values: Sequence[list[str]]) -> None:
        for chunk in _chunks([{"Values": one} for one in values], _DELETED):
            self._client.batch_delete_partition(
                DatabaseName=self._database, TableName=name, PartitionsToDelete=chunk
            )

    def _create(self, name: str, inputs: Sequence[dict[str, Any]]) -> list[list[str]]:
        """Create partitions; return the values of those that exist already. Raises CatalogError."""
        answer = self._client.batch_create_partition(
            DatabaseName=self._database, TableName=name, PartitionInputList=list(inputs)
        )
        errors = answer.get("Errors", [])
        self._raise(name, [e for e in errors if e["ErrorDetail"]["ErrorCode"] != _EXISTS])
        return [error["PartitionValues"] for error in errors]

    def _update(self, name: str, inputs: Sequence[dict[str, Any]]) -> None:
        answer = self._client.batch_update_partition(
            DatabaseName=self._database,
            TableName=name,
            Entries=[
                {"PartitionValueList": one["Values"], "PartitionInput": one} for one in inputs
            ],
        )
        self._raise(name, answer.get("Errors", []))

    def _raise(self, name: str, errors: Sequence[Mapping[str, Any]]) -> None:
        if errors:
            raise CatalogError(f"{name}: {errors[0]}, and {len(errors) - 1} more")

    def _input(self, name: str, values: list[str], part: CompactedPeriod) -> dict[str, Any]:
        parameters = {
            "run": part.run,
            "rows": str(part.rows),
            "moved_at": part.moved_at,
            "arrivals": ",".join(part.arrivals),
        }
        return {
            "Values": values,
            "StorageDescriptor": {**self._descriptor(name), "Location": part.location},
            "Parameters": parameters,
        }

    def _descriptor_of(self, name: str) -> dict[str, Any]:
        descriptor: dict[str, Any] = self._table(name)["StorageDescriptor"]
        return descriptor

    def _table(self, name: str) -> dict[str, Any]:
        table: dict[str, Any] = self._client.get_table(DatabaseName=self._database, Name=name)[
            "Table"
        ]
        return table

    def _partitions(self, name: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("get_partitions").paginate(
            DatabaseName=self._database, TableName=name, ExcludeColumnSchema=True
        )
        return [entry for page in pages for entry in page["Partitions"]]


def _part(entry: Mapping[str, Any]) -> CompactedPeriod:
    parameters = entry.get("Parameters", {})
    return CompactedPeriod(
        entry["StorageDescriptor"]["Location"],
        parameters.get("run", ""),
        int(parameters.get("rows", 0)),
        parameters.get("moved_at", ""),
        tuple(filter(None, parameters.get("arrivals", "").split(","))),
    )


def _chunks(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
