"""Write the periods of a table with Athena, check them, and put them into use."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from types import MappingProxyType

from chalicelib.domain.errors import CompactionError, OutOfTime, StatementRefused
from chalicelib.services.lake import lake_sql
from chalicelib.services.lake.lake_sql import Table
from chalicelib.services.lake.stores import CompactedPeriod, LakeStores
from chalicelib.services.query_engine import QueryStatus

log = logging.getLogger("ticktape.compact")

SHORTEST_SECONDS = 30.0
"""If less time than this is left, no statement is started."""

_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)

Row = tuple[str | None, ...]


class Statements:
    """Runs SQL statements and waits for each to end, until `deadline`, a time.monotonic. `scanned`
    counts the bytes that they have scanned."""

    def __init__(self, lake: LakeStores, sleep: Callable[[float], None], deadline: float) -> None:
        self._lake = lake
        self._sleep = sleep
        self._deadline = deadline
        self.scanned = 0

    def run(self, sql: str) -> str:
        """Run a statement to its end and return its id. Raises OutOfTime or CompactionError."""
        self.need(SHORTEST_SECONDS)
        try:
            query_id = self._lake.engine.start(sql)
        except StatementRefused as error:
            raise CompactionError(str(error)) from error
        status = self._ended(query_id)
        self.scanned += status.bytes_scanned
        if status.state != "succeeded":
            raise CompactionError(f"statement {query_id} {status.state}: {status.reason}")
        return query_id

    def rows(self, sql: str) -> Iterator[Row]:
        """Run a statement and yield the rows of its result. Raises OutOfTime or CompactionError."""
        query_id = self.run(sql)
        page = self._lake.engine.rows(query_id)
        yield from page.rows
        while page.next_token is not None:
            page = self._lake.engine.rows(query_id, page_token=page.next_token)
            yield from page.rows

    def need(self, seconds: float) -> None:
        """Raise OutOfTime if less time than `seconds` is left."""
        _require(self._deadline - seconds)

    def share(self, part: float) -> Callable[[float], None]:
        """Return a function like `need`, for a step that may take the share `part` (0 to 1) of the
        remaining time."""
        now = time.monotonic()
        until = now + (self._deadline - now) * part
        return lambda seconds: _require(until - seconds)

    def _ended(self, query_id: str) -> QueryStatus:
        for wait in chain(_WAITS, repeat(_WAITS[-1])):
            status = self._lake.engine.status(query_id)
            if status is None:
                raise CompactionError(f"statement {query_id} is no longer known")
            if status.ended:
                return status
            self.need(0)
            self._sleep(wait)
        raise AssertionError("waits never end")


def _require(latest: float) -> None:
    if time.monotonic() > latest:
        raise OutOfTime("the next run continues from here")


class Writer:
    """Writes periods of tables. `failed` collects errors, so that a failed period does not block
    others."""

    def __init__(self, lake: LakeStores, statements: Statements, moved_at: str) -> None:
        self._lake = lake
        self._statements = statements
        self._moved_at = moved_at
        self.failed: list[CompactionError] = []

    def write(
        self,
        table: Table,
        periods: Sequence[str],
        select: str,
        *,
        by_symbol: bool = False,
        runs: Mapping[str, str] = MappingProxyType({}),
        arrivals: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> dict[str, CompactedPeriod]:
        """Write the rows that `select` returns, check them, and point the periods' partitions at
        them.

        `runs` names the run to note for a period, if it is not the one that writes. `arrivals` has
        the late dates of arrival by period. Returns the new parts. After a CompactionError, no
        partition moves and the result is empty; `failed` has the error. Raises OutOfTime.
        """
        run = uuid.uuid4().hex
        try:
            written = self._written(table, periods, select, run, by_symbol)
        except CompactionError as error:
            self._note(table.name, periods, error)
            return {}
        parts = {
            period: CompactedPeriod(
                location,
                runs.get(period, run),
                rows,
                self._moved_at,
                arrivals.get(period, ()),
            )
            for period, (location, rows) in written.items()
        }
        self._lake.catalog.switch(table, parts)
        self._lake.catalog.unstage(table)
        return parts

    @contextmanager
    def collecting_errors(self, what: str, periods: Sequence[str]) -> Iterator[None]:
        """Catch a CompactionError in the context and add it to `failed`, with `what` and the
        periods."""
        try:
            yield
        except CompactionError as error:
            self._note(what, periods, error)

    def _note(self, what: str, periods: Sequence[str], error: CompactionError) -> None:
        span = " to ".join(dict.fromkeys((periods[0], periods[-1])))
        named = CompactionError(f"{what} of {span}: {error}")
        log.error("%s", named, exc_info=error)
        self.failed.append(named)

    def _written(
        self, table: Table, periods: Sequence[str], select: str, run: str, by_symbol: bool
    ) -> dict[str, tuple[str, int]]:
        """Write and check rows. Return the folder and the number of rows of each period that has
        rows. Raises OutOfTime and CompactionError."""
        prefix, fields = _layout(table, periods, run, by_symbol)
        location = self._lake.objects.location
        self._statements.run(lake_sql.unload(table, select, location(prefix), fields))
        below = f"{table.period}={{}}/" if table.period in fields else ""
        folders = {period: location(prefix + below.format(period)) for period in periods}
        self._lake.catalog.stage(table, run, folders)
        rows = self._checked(table, select, run)
        return {period: (folders[period], count) for period, count in rows.items() if count}

    def _checked(self, table: Table, select: str, run: str) -> dict[str, int]:
        """Return the number of rows that a run wrote, by period. Raises CompactionError if the rows
        differ from their source."""
        rows: dict[str, int] = {}
        found = self._statements.rows(lake_sql.check(table, select, run))
        for period, written, different in found:
            if int(different or 0):
                raise CompactionError(f"{period}: {different} rows differ from their source")
            rows[str(period)] = int(written or 0)
        return rows


def _layout(
    table: Table, periods: Sequence[str], run: str, by_symbol: bool
) -> tuple[str, list[str]]:
    """Return the prefix that a run writes to, and the partition columns below it.

    For one period the prefix is `ticks/date=2026-11-20/run=.../`, for several `ticks/run=.../`. The
    columns are `series` and, for several periods, `date` before it. `series` is left out unless
    `by_symbol`.
    """
    several = len(periods) > 1
    period = "" if several else f"{table.period}={periods[0]}/"
    fields = ([table.period] if several else []) + (["series"] if by_symbol else [])
    return f"{table.name}/{period}run={run}/", fields
