"""Creates the lake of `infra/lake.json` in Glue and Athena, as `infra/lake.tf` does."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.resources import Resources

FILE = Path(__file__).with_name("lake.json")
SCAN_LIMIT_BYTES = 10 * 1024**3
"""The most bytes that a query scans: the default of `athena_scan_limit_bytes` of a deployment."""

_FORMATS: dict[str, dict[str, Any]] = {
    "json": {
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
            "Parameters": {"ignore.malformed.json": "true", "case.insensitive": "FALSE"},
        },
    },
    "parquet": {
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
            "Parameters": {},
        },
    },
}
_EXISTS = {
    "AlreadyExistsException",
    "ResourceInUseException",
    "BucketAlreadyOwnedByYou",
    "BucketAlreadyExists",
    "QueueAlreadyExists",
}
_MISSING = {"NoSuchBucket", "404"}
_DAY = re.compile(r"raw/date=([0-9]{4}-[0-9]{2}-[0-9]{2})/")
_NO_SERDE = {"Name": "-", "SerializationLibrary": "-"}
"""Athena refuses queries on a view without any SerDe information."""

_PROJECTION = {
    "date": {
        "projection.date.type": "date",
        "projection.date.format": "yyyy-MM-dd",
        "projection.date.range": "{first_date},NOW",
        "projection.date.interval": "1",
        "projection.date.interval.unit": "DAYS",
    },
    "hour": {
        "projection.hour.type": "integer",
        "projection.hour.range": "0,23",
        "projection.hour.digits": "2",
    },
}


def first_day(s3: Any, bucket: str, today: date) -> str | None:
    """Return the first day of arrival in the archive. If the archive is empty or missing, return
    `today`. Return None if the first day cannot be found out."""
    try:
        found = s3.list_objects_v2(Bucket=bucket, Prefix="raw/", MaxKeys=1).get("Contents", ())
    except ClientError as error:
        return today.isoformat() if error.response["Error"]["Code"] in _MISSING else None
    if not found:
        return today.isoformat()
    match = _DAY.match(found[0]["Key"])
    return min(match[1], today.isoformat()) if match else None


def make_lake(glue: Any, athena: Any, resources: Resources, first_day: str | None = None) -> None:
    """Create the database with its tables and views, and the workgroup. Changed definitions are
    updated; a view keeps the boundary that compaction has set.

    The partitions of projected tables begin on `first_day`, by default on the day in lake.json.
    """
    lake = json.loads(FILE.read_text())
    first_date = max(lake["first_date"], first_day or "")
    database, bucket = resources.database, resources.name("archive")
    with unless_there():
        description = f"The archive of {resources.prefix}."
        glue.create_database(DatabaseInput={"Name": database, "Description": description})
    there = {table["Name"]: table for table in _tables(glue, database)}
    _make_room(glue, database, there, lake["views"])
    for name, table in lake["tables"].items():
        wanted = _table(name, table, bucket, first_date)
        if name not in there:
            glue.create_table(DatabaseName=database, TableInput=wanted)
        elif any(there[name].get(key) != value for key, value in wanted.items()):
            glue.update_table(DatabaseName=database, TableInput=wanted)
    _make_views(glue, database, there, lake["views"])
    _make_workgroup(athena, resources.prefix, bucket)


def _make_views(glue: Any, database: str, there: dict[str, Any], views: Mapping[str, Any]) -> None:
    from chalicelib.adapters.glue import VIEW
    from chalicelib.adapters.lake_marks import marks_of
    from chalicelib.services.lake import lake_sql

    marks = marks_of(there.get(VIEW, {}).get("Parameters", {}))
    statements = lake_sql.views(marks.compacted_until, marks.months)
    for name, view in views.items():
        wanted = _view(statements[name], view, database) | {"Name": name}
        found = there.get(name)
        if found is None:
            glue.create_table(DatabaseName=database, TableInput=wanted)
        elif any(
            found.get(key) != wanted[key] for key in ("ViewOriginalText", "StorageDescriptor")
        ):
            wanted["Parameters"] = {**found.get("Parameters", {}), **wanted["Parameters"]}
            glue.update_table(DatabaseName=database, TableInput=wanted)


def _make_room(glue: Any, database: str, there: dict[str, Any], views: Mapping[str, Any]) -> None:
    """Drop tables that have become views. The catalog has no partitions of these tables."""
    for name in [one for one in there if one in views]:
        if there[name].get("TableType") == "EXTERNAL_TABLE":
            glue.delete_table(DatabaseName=database, Name=name)
            del there[name]


def _tables(glue: Any, database: str) -> Iterator[dict[str, Any]]:
    for page in glue.get_paginator("get_tables").paginate(DatabaseName=database):
        yield from page["TableList"]


def _table(name: str, table: Mapping[str, Any], bucket: str, first_date: str) -> dict[str, Any]:
    location = f"s3://{bucket}/{table['prefix']}"
    parameters = {"classification": table["format"], "EXTERNAL": "TRUE"}
    if table["projected"]:
        folders = "".join(f"{key}=${{{key}}}/" for key, _ in table["partitions"])
        parameters |= {"projection.enabled": "true"}
        parameters |= {"storage.location.template": location + folders}
        for key, _ in table["partitions"]:
            parameters |= {
                name: value.format(first_date=first_date)
                for name, value in _PROJECTION[key].items()
            }
    return {
        "Name": name,
        "Description": table["description"],
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": _columns(table["partitions"]),
        "StorageDescriptor": {
            "Location": location,
            "Columns": _columns(table["columns"]),
            **_FORMATS[table["format"]],
        },
    }


def _view(statement: str, view: Mapping[str, Any], database: str) -> dict[str, Any]:
    from chalicelib.adapters.glue import view_text

    return {
        "Description": view["description"],
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewExpandedText": "/* Presto View */",
        "ViewOriginalText": view_text(database, statement, view["columns"]),
        "StorageDescriptor": {"Columns": _columns(view["columns"]), "SerdeInfo": _NO_SERDE},
    }


def _columns(columns: list[list[str]]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": kind} for name, kind in columns]


def _make_workgroup(athena: Any, name: str, bucket: str) -> None:
    results = {"OutputLocation": f"s3://{bucket}/results/"}
    with unless_there():
        athena.create_work_group(
            Name=name,
            Description=f"Queries over the archive; each stops at {SCAN_LIMIT_BYTES} bytes.",
            Configuration={
                "EnforceWorkGroupConfiguration": True,
                "BytesScannedCutoffPerQuery": SCAN_LIMIT_BYTES,
                "ResultConfiguration": results,
            },
        )


@contextlib.contextmanager
def unless_there() -> Iterator[None]:
    """Ignore the error that a resource exists. Athena's code is general, so its text counts."""
    try:
        yield
    except ClientError as error:
        told = error.response["Error"]
        if told["Code"] not in _EXISTS and "already" not in told["Message"]:
            raise
