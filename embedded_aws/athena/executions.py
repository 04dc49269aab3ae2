"""Queries that were started: what was asked, where they stand, what came of them."""

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
"""Queries that one step forgets."""

Execution = dict[str, Any]


class Executions:
    """Executions in SQLite, as GetQueryExecution gives them, with the fields of ours in
    `_columns` and the like, which are not shown."""

    name = "athena_queries"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._end_what_was_cut_off()

    def step(self, now: float) -> int:
        """Forget some of those that are too old at an epoch second; 0 when none is left."""
        return self._connection.execute(
            "DELETE FROM athena_queries WHERE id IN"
            " (SELECT id FROM athena_queries WHERE submitted < ? LIMIT ?)",
            (now - KEPT_SECONDS, MOST_FORGOTTEN),
        ).rowcount

    def get(self, number: str) -> Execution:
        """Raises InvalidRequestError where there is none."""
        row = self._connection.execute(
            "SELECT execution FROM athena_queries WHERE id = ?", (number,)
        ).fetchone()
        if row is None:
            raise InvalidRequestError(f"QueryExecution {number} was not found")
        found: Execution = json.loads(row[0])
        return found

    def put(self, execution: Execution, token: str | None, same: str) -> None:
        """Keep a new one. `same` is equal for queries of which one could answer for another."""
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
        """Keep what has changed."""
        self._connection.execute(
            "UPDATE athena_queries SET state = ?, execution = ? WHERE id = ?",
            (execution["Status"]["State"], json.dumps(execution), execution["QueryExecutionId"]),
        )

    def active(self) -> int:
        """How many wait or run."""
        query = "SELECT count(*) FROM athena_queries WHERE state IN (?, ?)"
        return int(self._connection.execute(query, ACTIVE).fetchone()[0])

    def of_token(self, token: str) -> Execution | None:
        """The one that was started with this ClientRequestToken."""
        return self._one("WHERE token = ?", (token,))

    def reusable(self, same: str, since: float) -> Execution | None:
        """The newest that succeeded since an epoch second and did not reuse another's result."""
        return self._one(
            "WHERE same = ? AND submitted >= ? AND state = 'SUCCEEDED'"
            " AND execution NOT LIKE '%\"ReusedPreviousResult\": true%' ORDER BY submitted DESC",
            (same, since),
        )

    def numbers(self, workgroup: str) -> list[str]:
        """Of a workgroup, newest first."""
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
    """Put it into a state from which nothing leads on."""
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
