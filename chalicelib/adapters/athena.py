"""Starts Athena queries, polls their status and reads their results.

Athena takes execution parameters as SQL literals. `literal` quotes them, so that no user's text
becomes part of a statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from chalicelib.domain.errors import BadPosition, StatementRefused
from chalicelib.services.query_engine import QueryRows, QueryState, QueryStatus, QueryValue

MOST_ROWS = 1000
"""The most rows in one answer of Athena."""

_CATALOG = "AwsDataCatalog"
_REFUSED = "InvalidRequestException"
_STATES: dict[str, QueryState] = {
    "QUEUED": "queued",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
}


class Athena:
    """Implements QueryEngine on one workgroup and one database of Athena."""

    def __init__(self, client: Any, workgroup: str, database: str) -> None:
        self._client = client
        self._workgroup = workgroup
        self._database = database

    def start(
        self,
        sql: str,
        parameters: Sequence[QueryValue] = (),
        *,
        reuse_minutes: int = 0,
    ) -> str:
        """See QueryEngine.start."""
        request: dict[str, Any] = {
            "QueryString": sql,
            "WorkGroup": self._workgroup,
            "QueryExecutionContext": {"Catalog": _CATALOG, "Database": self._database},
        }
        if parameters:
            request["ExecutionParameters"] = [literal(value) for value in parameters]
        if reuse_minutes:
            request["ResultReuseConfiguration"] = {
                "ResultReuseByAgeConfiguration": {
                    "Enabled": True,
                    "MaxAgeInMinutes": reuse_minutes,
                }
            }
        return self._started(request)

    def _started(self, request: dict[str, Any]) -> str:
        from botocore.exceptions import ClientError

        try:
            return str(self._client.start_query_execution(**request)["QueryExecutionId"])
        except ClientError as error:
            raise StatementRefused(f"no statement was started: {error}") from error

    def status(self, query_id: str) -> QueryStatus | None:
        """See QueryEngine.status."""
        from botocore.exceptions import ClientError

        try:
            found = self._client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        except ClientError as error:
            if error.response["Error"]["Code"] == _REFUSED:
                return None
            raise
        if found.get("WorkGroup") != self._workgroup:
            return None
        return _status(found)

    def rows(
        self, query_id: str, *, limit: int = MOST_ROWS, page_token: str | None = None
    ) -> QueryRows:
        """See QueryEngine.rows."""
        request: dict[str, Any] = {"QueryExecutionId": query_id, "MaxResults": limit}
        if page_token is None:  # the header comes first, and counts as a row
            request["MaxResults"] = min(limit + 1, MOST_ROWS)
        else:
            request["NextToken"] = page_token
        answer = self._results(request)
        columns = answer["ResultSet"].get("ResultSetMetadata", {}).get("ColumnInfo", [])
        names = tuple(column["Name"] for column in columns)
        rows = [
            tuple(cell.get("VarCharValue") for cell in row["Data"])
            for row in answer["ResultSet"].get("Rows", [])
        ]
        if page_token is None and rows and rows[0] == names:
            rows = rows[1:]
        return QueryRows(
            names, tuple(column["Type"] for column in columns), tuple(rows), answer.get("NextToken")
        )

    def _results(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return one page of results. Raises BadPosition for a token that Athena did not issue."""
        from botocore.exceptions import ClientError

        try:
            found: dict[str, Any] = self._client.get_query_results(**request)
        except ClientError as error:
            if "NextToken" in request and error.response["Error"]["Code"] == _REFUSED:
                raise BadPosition(request["NextToken"]) from error
            raise
        return found

    def stop(self, query_id: str) -> None:
        """See QueryEngine.stop."""
        self._client.stop_query_execution(QueryExecutionId=query_id)


def literal(value: QueryValue) -> str:
    """Return a value as an SQL literal. Raises TypeError for a value of an unsupported type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise TypeError(f"{value!r} cannot be a parameter of a statement")


def _status(found: dict[str, Any]) -> QueryStatus:
    status, counted = found["Status"], found.get("Statistics", {})
    return QueryStatus(
        query_id=found["QueryExecutionId"],
        state=_STATES[status["State"]],
        reason=status.get("StateChangeReason") or None,
        sql=found["Query"],
        bytes_scanned=int(counted.get("DataScannedInBytes", 0)),
        milliseconds=int(counted.get("TotalExecutionTimeInMillis", 0)),
        reused=bool(counted.get("ResultReuseInformation", {}).get("ReusedPreviousResult")),
        location=found.get("ResultConfiguration", {}).get("OutputLocation"),
        submitted_at=status["SubmissionDateTime"],
        parameters=tuple(found.get("ExecutionParameters", ())),
    )
