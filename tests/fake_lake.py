"""An Athena in memory with its runs: a finished one, a running one, and one of somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.athena import literal
from chalicelib.services.query_engine import QueryRows, QueryState, QueryStatus, QueryValue
from chalicelib.services.reports.files import find_report
from chalicelib.services.reports.lists import LakeState

FINISHED, RUNNING, FAILED, OTHER = (f"00000000-0000-0000-0000-00000000000{n}" for n in range(4))
COLUMNS = ("symbol", "sessions", "average_volume")
TYPES = ("varchar", "bigint", "double")
ROWS = (("AAPL", "2", "1.5E7"), ("A,B", "1", None), ("MSFT", "3", "NaN"))


class FakeLake:
    """A QueryEngine, the links to its results, and the state of the lake."""

    def __init__(self) -> None:
        self.started: list[tuple[str, tuple[QueryValue, ...], int]] = []
        self.runs = {
            FINISHED: _status(FINISHED, "succeeded", bytes_scanned=25_000_001),
            RUNNING: _status(RUNNING, "running"),
            FAILED: _status(FAILED, "cancelled", reason="Bytes scanned limit was exceeded"),
            OTHER: _status(OTHER, "succeeded", sql="SELECT 1", parameters=()),
        }

    def start(
        self,
        sql: str,
        parameters: Sequence[QueryValue] = (),
        *,
        token: str | None = None,
        reuse_minutes: int = 0,
    ) -> str:
        """See QueryEngine.start."""
        self.started.append((sql, tuple(parameters), reuse_minutes))
        return f"{len(self.started):08x}-1111-1111-1111-111111111111"

    def status(self, query_id: str) -> QueryStatus | None:
        """See QueryEngine.status."""
        return self.runs.get(query_id)

    def rows(self, query_id: str, *, limit: int = 1000, page_token: str | None = None) -> QueryRows:
        """See QueryEngine.rows."""
        at = int(page_token or 0)
        more = str(at + limit) if at + limit < len(ROWS) else None
        return QueryRows(COLUMNS, TYPES, ROWS[at : at + limit], more)

    def stop(self, query_id: str) -> None:
        """See QueryEngine.stop."""

    def state(self) -> LakeState:
        """Return a lake of two days, the first of which is compacted."""
        return LakeState("2026-11-19", "2026-11-19", (), frozenset({"2026-11-19"}), 1)

    def link(self, location: str, seconds: int) -> str:
        """See Reports.link."""
        return f"https://example.test/{location}?{seconds}"


def _status(query_id: str, state: QueryState, **more: Any) -> QueryStatus:
    given: dict[str, Any] = {
        "query_id": query_id,
        "state": state,
        "reason": None,
        "sql": find_report("average_volume").statement,
        "bytes_scanned": 0,
        "milliseconds": 1,
        "reused": False,
        "location": f"s3://archive/results/{query_id}.csv",
        "submitted_at": datetime(2026, 11, 20, tzinfo=UTC),
        "parameters": tuple(literal(day) for day in ("2026-11-01", "2026-11-22")),
    }
    return QueryStatus(**(given | more))
