"""A table's days written by Athena, checked, and put in force."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping

import msgspec

from chalicelib.domain.errors import CompactionError, OutOfTime
from chalicelib.services import lake_sql
from chalicelib.services.compact_plan import Batch
from chalicelib.services.lake_sql import Table
from chalicelib.services.lake_stores import LakeStores, Part
from chalicelib.services.stores import QueryStatus

SHORTEST_SECONDS = 30.0
"""With less time than this left nothing is begun."""

_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)

Row = tuple[str | None, ...]


class Statements:
    """Statements, each waited for until a deadline, a time.monotonic. `scanned` counts bytes."""

    def __init__(self, lake: LakeStores, sleep: Callable[[float], None], deadline: float) -> None:
        self._lake = lake
        self._sleep = sleep
        self._deadline = deadline
        self.scanned = 0

    def run(self, sql: str) -> str:
        """Run to its end; returns its id. Raises OutOfTime or CompactionError."""
        self.need(SHORTEST_SECONDS)
        query_id = self._lake.engine.start(sql)
        status = self._ended(query_id)
        self.scanned += status.bytes_scanned
        if status.state != "succeeded":
            raise CompactionError(f"statement {query_id} {status.state}: {status.reason}")
        return query_id

    def rows(self, sql: str) -> Iterator[Row]:
        """The rows of a statement's result."""
        query_id = self.run(sql)
        page = self._lake.engine.rows(query_id)
        yield from page.rows
        while page.next_token is not None:
            page = self._lake.engine.rows(query_id, page_token=page.next_token)
            yield from page.rows

    def need(self, seconds: float) -> None:
        """Raises OutOfTime where less time is left."""
        if time.monotonic() > self._deadline - seconds:
            raise OutOfTime("the next run goes on from here")

    def _ended(self, query_id: str) -> QueryStatus:
        for wait in self._waits():
            status = self._lake.engine.status(query_id)
            if status is None:
                raise CompactionError(f"statement {query_id} is not known any more")
            if status.ended:
                return status
            self.need(0)
            self._sleep(wait)
        raise AssertionError("waits have no end")

    def _waits(self) -> Iterator[float]:
        yield from _WAITS
        while True:
            yield _WAITS[-1]


def write(
    lake: LakeStores,
    statements: Statements,
    table: Table,
    batch: Batch,
    select: str,
    noted: Mapping[str, Part],
) -> dict[str, Part]:
    """Write a statement's rows of a batch of days, check them, and move the days there.

    `noted` is what is to be noted of each day beside location and rows; where its run is empty it
    is this one. Returns the parts as they are now. Raises CompactionError, and then nothing has
    moved.
    """
    run = uuid.uuid4().hex
    prefix, fields = _layout(table, batch, run)
    statements.run(lake_sql.unload(table, select, lake.objects.location(prefix), fields))
    folders = {
        day: lake.objects.location(prefix + (f"date={day}/" if "date" in fields else ""))
        for day in batch.dates
    }
    lake.catalog.stage(table, run, folders)
    rows = _checked(statements, table, select, run)
    parts = {
        day: msgspec.structs.replace(
            noted[day], location=folders[day], run=noted[day].run or run, rows=rows[day]
        )
        for day in batch.dates
    }
    lake.catalog.switch(table, parts)
    lake.catalog.unstage(table)
    return parts


def _layout(table: Table, batch: Batch, run: str) -> tuple[str, list[str]]:
    """Where a run writes to: `ticks/date=2026-11-20/run=.../series=AAPL/`, and for several days
    at once `ticks/run=.../date=2026-11-20/series=AAPL/`."""
    several = len(batch.days) > 1
    day = "" if several else f"date={batch.dates[0]}/"
    fields = (["date"] if several else []) + (["series"] if batch.by_symbol else [])
    return f"{table.name}/{day}run={run}/", fields


def _checked(statements: Statements, table: Table, select: str, run: str) -> dict[str, int]:
    """What a run wrote, in rows by day. Raises CompactionError where its source differs."""
    rows: dict[str, int] = {}
    for day, written, different in statements.rows(lake_sql.check(table, select, run)):
        if int(different or 0):
            raise CompactionError(f"{table.name} of {day}: {different} rows are not their source's")
        rows[str(day)] = int(written or 0)
    return rows
