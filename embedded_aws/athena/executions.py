"""Stores Athena's query executions: their requests, states and results."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from embedded_aws.athena.errors import InvalidRequestError

ACTIVE = ("QUEUED", "RUNNING")
KEPT_SECONDS = 45 * 86400
"""Athena keeps the history of queries for 45 days."""

MOST_FORGOTTEN = 100
"""The most executions that one step deletes."""

Execution = dict[str, Any]


class Executions:
    """Query executions in SQLite, as GetQueryExecution returns them, plus internal fields."""

    name = "athena_queries"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._end_what_was_cut_off()

    def step(self, now: float) -> int:
        """Delete executions older than KEPT_SECONDS at the epoch second `now`, at most
        MOST_FORGOTTEN. Return how many were deleted."""
        return self._connection.execute(
            "DELETE FROM athena_queries WHERE id IN"
            " (SELECT id FROM athena_queries WHERE submitted < ? LIMIT ?)",
            (now - KEPT_SECONDS, MOST_FORGOTTEN),
        ).rowcount

    def get(self, number: str) -> Execution:
        """Return an execution. Raises InvalidRequestError if it does not exist."""
        found = self._one("WHERE id = ?", (number,))
        if found is None:
            raise InvalidRequestError(f"QueryExecution {number} was not found")
        return found

    def put(self, execution: Execution, token: str | None, same: str) -> None:
        """Store a new execution. Executions with the same `same` can reuse each other's result."""
        self._connection.execute(
            "INSERT INTO athena_queries VALUES (?, ?, ?, ?, ?, ?)",
            (
                execution["QueryExecutionId"],
                execution["Status"]["SubmissionDateTime"],
                execution["Status"]["State"],
                token,
                same,
                json.dumps(execution),
            ),
        )

    def update(self, execution: Execution) -> None:
        """Replace a stored execution by its new version."""
        self._connection.execute(
            "UPDATE athena_queries SET state = ?, execution = ? WHERE id = ?",
            (execution["Status"]["State"], json.dumps(execution), execution["QueryExecutionId"]),
        )

    def active(self) -> int:
        """Return the number of queued and running executions."""
        query = "SELECT count(*) FROM athena_queries WHERE state IN (?, ?)"
        return int(self._connection.execute(query, ACTIVE).fetchone()[0])

    def of_token(self, token: str) -> Execution | None:
        """Return the execution that was started with this ClientRequestToken, or None."""
        return self._one("WHERE token = ?", (token,))

    def reusable(self, same: str, since: float) -> Execution | None:
        """Return the newest execution since an epoch second whose result can be reused, or None.

        It has succeeded without reusing a result itself.
        """
        return self._one(
            "WHERE same = ? AND submitted >= ? AND state = 'SUCCEEDED'"
            " AND execution NOT LIKE '%\"ReusedPreviousResult\": true%' ORDER BY submitted DESC",
            (same, since),
        )

    def numbers(self, workgroup: str) -> list[str]:
        """Return the ids of a workgroup's executions, newest first."""
        rows = self._connection.execute(
            "SELECT id, execution FROM athena_queries ORDER BY submitted DESC"
        )
        return [row[0] for row in rows if json.loads(row[1])["WorkGroup"] == workgroup]

    def _one(self, where: str, values: tuple[Any, ...]) -> Execution | None:
        row = self._connection.execute(
            f"SELECT execution FROM athena_queries {where} LIMIT 1",  # noqa: S608  # nosec B608
            values,
        ).fetchone()
        return json.loads(row[0]) if row else None

    def _end_what_was_cut_off(self) -> None:
        rows = self._connection.execute(
            "SELECT execution FROM athena_queries WHERE state IN (?, ?)", ACTIVE
        ).fetchall()
        for (raw,) in rows:
            execution = json.loads(raw)
            end(execution, "FAILED", "INTERNAL_ERROR: the emulator ended while the query ran")
            self.update(execution)


def end(execution: Execution, state: str, reason: str | None) -> None:
    """Set the execution's final state and reason, and the current time as its end."""
    now = round(time.time(), 3)
    status = execution["Status"]
    status.update(State=state, CompletionDateTime=now)
    if reason:
        status["StateChangeReason"] = reason
    if state == "FAILED":
        status["AthenaError"] = {
            "ErrorCategory": 1 if (reason or "").startswith("INTERNAL") else 2,
            "ErrorType": 1000,
            "Retryable": False,
            "ErrorMessage": reason or "",
        }
    began = status["SubmissionDateTime"]
    total = max(0, round((now - began) * 1000))
    statistics = execution["Statistics"]
    statistics.setdefault("EngineExecutionTimeInMillis", total)
    statistics.setdefault("DataScannedInBytes", 0)
    statistics["TotalExecutionTimeInMillis"] = total
