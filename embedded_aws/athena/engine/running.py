"""Runs one job of the engine: from the statement's text to a result in S3."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from embedded_aws.athena.engine import binding, statements, tables, unloading
from embedded_aws.athena.engine.aws import Aws
from embedded_aws.athena.engine.catalog import Catalog
from embedded_aws.athena.engine.failures import StoppedError
from embedded_aws.athena.engine.object_cache import line_objects, parquet_files
from embedded_aws.athena.engine.planning import Plans
from embedded_aws.athena.engine.queries import Query
from embedded_aws.athena.engine.requests import Meter
from embedded_aws.athena.engine.scanning import Lake
from embedded_aws.athena.engine.session import Sessions
from embedded_aws.athena.engine.texts import type_info, value_text

Change = dict[str, Any]


class Runner:
    """Runs the engine's jobs. A cache keeps the S3 objects that earlier jobs read."""

    def __init__(self, aws: Aws, folder: Path) -> None:
        self._aws = aws
        self.sessions = Sessions(str(folder / "spill"))
        self._plans = Plans(self.sessions)
        self._lines = line_objects(self._aws)
        self._files = parquet_files(self._aws, folder)

    def run(self, job: dict[str, Any], connection: Any, is_stopped: Callable[[], bool]) -> Change:
        """Run a job and return the change of the query's state to report.

        Sets the job's `meter`, which holds the scanned bytes even if the job fails. Raises
        QueryError, ScanLimitError or StoppedError.
        """
        began = time.monotonic()
        catalog = Catalog(self._aws)
        meter = job["meter"] = Meter(job.get("cutoff_bytes"))
        statement = statements.read(binding.fill(job["query"], job.get("parameters")))
        database = (job.get("database") or "").lower()
        lake = Lake(self._aws, catalog, self._lines, self._files, meter)
        planned = time.monotonic()
        fields: dict[str, Any]
        if isinstance(statement, (statements.Select, statements.Unload)):
            plan = self._plans.plan(statement.text, database, catalog)
            if is_stopped():  # an interrupt before the start has no effect
                raise StoppedError
            query = Query(plan, lake, connection)
            planned = time.monotonic()
            if isinstance(statement, statements.Unload):
                fields = self._unload(job, statement, query)
            else:
                fields = self._select(job, query)
        elif isinstance(statement, statements.Show):
            column, lines = tables.show(catalog, statement, database)
            fields = self._utility(job, f"SHOW_{statement.what.upper()}", [column], lines)
        else:
            tables.alter(self._aws, catalog, statement, database)
            fields = self._utility(job, "ALTER_TABLE", [], [])
        statistics = {
            "DataScannedInBytes": meter.bytes,
            "EngineExecutionTimeInMillis": _milliseconds(time.monotonic() - began),
            "QueryPlanningTimeInMillis": _milliseconds(planned - began),
        }
        fields["_requests"] = {"lists": meter.lists, "gets": meter.gets}
        manifest = fields.pop("manifest", None)
        if manifest:
            statistics["DataManifestLocation"] = manifest
        return {"state": "SUCCEEDED", "fields": fields, "statistics": statistics}

    def _select(self, job: dict[str, Any], query: Query) -> dict[str, Any]:
        reader = query.batches()
        columns = [(field.name, *type_info(field.type)) for field in reader.schema]
        address = job["output"] + ".csv"
        self._aws.put(address, b"".join(_csv(reader)))
        return _fields(address, "DML", "SELECT", columns)

    def _unload(
        self, job: dict[str, Any], statement: statements.Unload, query: Query
    ) -> dict[str, Any]:
        unloading.require_empty(self._aws, statement.location)
        written, rows = unloading.unload(self._aws, statement, query.batches())
        manifest = job["output"] + "-manifest.csv"
        self._aws.put(manifest, "".join(f"{address}\n" for address in written).encode())
        address = job["output"] + ".csv"
        self._aws.put(address, b"")
        fields = _fields(address, "DML", "UNLOAD", [])
        return {**fields, "_update_count": rows, "manifest": manifest, "_manifest": manifest}

    def _utility(
        self, job: dict[str, Any], kind: str, columns: list[str], lines: list[str]
    ) -> dict[str, Any]:
        address = job["output"] + ".txt"
        self._aws.put(address, "".join(f"{line}\n" for line in lines).encode())
        told = [(name, "string", 0, 0) for name in columns]
        return _fields(address, "UTILITY" if kind.startswith("SHOW") else "DDL", kind, told)


def _fields(address: str, kind: str, sub_kind: str, columns: list[Any]) -> dict[str, Any]:
    return {
        "StatementType": kind,
        "SubstatementType": sub_kind,
        "ResultConfiguration": {"OutputLocation": address},
        "_output": address,
        "_columns": columns,
    }


def _csv(reader: Any) -> Iterator[bytes]:
    """Yield the rows as Athena's CSV: a line of names first; values quoted, null empty."""
    yield _line(reader.schema.names)
    for batch in reader:
        columns = [column.to_pylist() for column in batch.columns]
        rows = zip(*columns, strict=True) if columns else ()
        yield b"".join(_line([value_text(value) for value in row]) for row in rows)


def _line(values: Any) -> bytes:
    fields = ("" if one is None else '"' + one.replace('"', '""') + '"' for one in values)
    return (",".join(fields) + "\n").encode()


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
