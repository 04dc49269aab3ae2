"""The interface to the engine that runs SQL over the lake: Athena, or DuckDB locally."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

QueryValue = str | int | Decimal | date
"""The values that may be bound to a `?` in a statement."""

QueryState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class QueryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a statement.

    `reason` says why the statement failed or was cancelled. If `reused`, the engine returned an
    earlier result without a scan. `location` is the address of the result, as `s3://bucket/key`.
    `parameters` are the bound values as SQL literals.
    """

    query_id: str
    state: QueryState
    reason: str | None
    sql: str
    bytes_scanned: int
    milliseconds: int
    reused: bool
    location: str | None
    submitted_at: datetime
    parameters: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Return whether the statement has ended."""
        return self.state not in ("queued", "running")


class QueryRows(msgspec.Struct, frozen=True):
    """A page of a result: the names and SQL types of the columns, and the rows. Values are text; a
    null is None."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    next_token: str | None = None


class QueryEngine(Protocol):
    """Runs SQL statements over the lake. No method waits for a statement to end."""

    def start(
        self,
        sql: str,
        parameters: Sequence[QueryValue] = (),
        *,
        reuse_minutes: int = 0,
    ) -> str:
        """Start a statement and return its id.

        The engine may reuse the result of an equal statement with equal parameters, if it is at
        most `reuse_minutes` old. Raises StatementRefused.
        """

    def status(self, query_id: str) -> QueryStatus | None:
        """Return the status of a statement; None if the id is unknown."""

    def rows(self, query_id: str, *, limit: int = 1000, page_token: str | None = None) -> QueryRows:
        """Return a page of at most 1,000 rows of a statement that succeeded. Raises BadPosition."""

    def stop(self, query_id: str) -> None:
        """Cancel a statement, unless it has ended."""
