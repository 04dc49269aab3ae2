"""A lake for one test in the emulator: tables, objects, and statements through Athena's API."""

from __future__ import annotations

import base64
import gzip
import io
import itertools
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rigs.emulated import EmulatedClients
from tests.patience import eventually

Rows = list[list[str | None]]

JSON = "org.openx.data.jsonserde.JsonSerDe"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
PROJECTION = {
    "projection.enabled": "true",
    "projection.date.type": "date",
    "projection.date.format": "yyyy-MM-dd",
    "projection.date.range": "2024-01-01,NOW",
    "projection.hour.type": "integer",
    "projection.hour.range": "0,23",
    "projection.hour.digits": "2",
}
_numbers = itertools.count()


class Lake:
    """A database, a bucket and a workgroup of the emulator."""

    def __init__(self, clients: EmulatedClients) -> None:
        self.s3, self.glue, self.athena = clients.s3, clients.glue, clients.athena
        number = next(_numbers)
        self.bucket, self.database = f"lake-{number}", f"lake_{number}"
        self.workgroup = f"group-{number}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": self.database})
        self.athena.create_work_group(
            Name=self.workgroup,
            Configuration={
                "ResultConfiguration": {"OutputLocation": self.address("results/")},
                "EnforceWorkGroupConfiguration": True,
            },
        )

    def address(self, key: str) -> str:
        """Return the address `s3://bucket/key` of an object."""
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, body: bytes) -> int:
        """Put an object and return its size."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return len(body)

    def put_lines(self, key: str, *lines: object) -> int:
        """Put JSON lines as a gzip object and return its size. A text is a line as it is."""
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        return self.put(key, gzip.compress("\n".join(texts).encode()))

    def put_parquet(self, key: str, rows: Any, **more: Any) -> Any:
        """Put an Arrow table as Parquet and return the file's metadata."""
        sink = io.BytesIO()
        pq.write_table(rows, sink, **more)
        self.put(key, sink.getvalue())
        return pq.read_metadata(io.BytesIO(sink.getvalue()))

    def read(self, address: str) -> bytes:
        """Return the body of an object."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str) -> list[str]:
        """Return the keys under a prefix."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", [])]

    def make_table(
        self,
        name: str,
        columns: Mapping[str, str],
        partitions: Mapping[str, str],
        *,
        serde: str = JSON,
        options: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        """Create a table over the objects under `<name>/`."""
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "PartitionKeys": _columns(partitions),
                "Parameters": dict(parameters or {}),
                "StorageDescriptor": {
                    "Location": self.address(f"{name}/"),
                    "Columns": _columns(columns),
                    "SerdeInfo": {
                        "SerializationLibrary": serde,
                        "Parameters": dict(options or {"ignore.malformed.json": "true"}),
                    },
                },
            },
        )

    def make_view(self, name: str, sql: str, serde: str = "-") -> None:
        """Create a view in the form that Athena stores."""
        document = {"originalSql": sql, "catalog": "awsdatacatalog", "schema": self.database}
        text = base64.b64encode(json.dumps(document).encode()).decode()
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "TableType": "VIRTUAL_VIEW",
                "ViewOriginalText": f"/* Presto View: {text} */",
                "StorageDescriptor": {
                    "SerdeInfo": {"Name": serde, "SerializationLibrary": serde} if serde else {}
                },
            },
        )

    def start(self, sql: str, parameters: Sequence[str] = (), **more: Any) -> str:
        """Start a statement and return its id."""
        request = {"ExecutionParameters": list(parameters)} if parameters else {}
        return str(
            self.athena.start_query_execution(
                QueryString=sql,
                WorkGroup=more.pop("workgroup", self.workgroup),
                QueryExecutionContext={"Database": self.database},
                **request,
                **more,
            )["QueryExecutionId"]
        )

    def ended(self, number: str) -> dict[str, Any]:
        """Wait until a statement has ended and return its execution."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.athena.get_query_execution(QueryExecutionId=number)
            execution: dict[str, Any] = found["QueryExecution"]
            going = execution["Status"]["State"] in ("QUEUED", "RUNNING")
            return None if going else execution

        ended = eventually(look, lambda: f"query {number} did not end")
        assert ended is not None
        return ended

    def run(self, sql: str, *parameters: str, **more: Any) -> dict[str, Any]:
        """Run a statement that has to succeed and return its execution."""
        execution = self.ended(self.start(sql, parameters, **more))
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        return execution

    def rows(self, sql: str, *parameters: str) -> Rows:
        """Run a query and return its rows without the line of names."""
        return self.results(self.run(sql, *parameters)["QueryExecutionId"])[1:]

    def results(self, number: str) -> Rows:
        """Return all rows that GetQueryResults has for a statement."""
        pages = self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=number)
        return [
            [datum.get("VarCharValue") for datum in row["Data"]]
            for page in pages
            for row in page["ResultSet"]["Rows"]
        ]

    def scanned(self, sql: str) -> int:
        """Run a statement and return the bytes that it scanned."""
        return int(self.run(sql)["Statistics"]["DataScannedInBytes"])

    def requests(self, sql: str) -> tuple[int, int]:
        """Run a statement and return the LIST and GET requests that Athena would send to S3."""
        number = self.run(sql)["QueryExecutionId"]
        answer = self.athena.get_query_execution(QueryExecutionId=number)
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return int(headers["x-ticktape-s3-lists"]), int(headers["x-ticktape-s3-gets"])

    def reason(self, sql: str, *parameters: str, **more: Any) -> str:
        """Run a statement that has to fail and return the reason."""
        status = self.ended(self.start(sql, parameters, **more))["Status"]
        assert status["State"] == "FAILED", status
        return str(status["StateChangeReason"])


def _columns(columns: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": kind} for name, kind in columns.items()]


def ticks_of(*rows: tuple[str, str, str]) -> Any:
    """Return an Arrow table of symbols, timestamps and prices."""
    return pa.table(
        {
            "symbol": pa.array([row[0] for row in rows], pa.string()),
            "timestamp": pa.array([row[1] for row in rows], pa.string()),
            "price": pa.array([Decimal(row[2]) for row in rows], pa.decimal128(20, 8)),
        }
    )


TICKS = {"symbol": "string", "timestamp": "string", "price": "decimal(20,8)"}
