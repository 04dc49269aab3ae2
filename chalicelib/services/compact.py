"""Compaction: finished trading days of the raw archive into Parquet, each tick once.

A run writes into a folder of its own, compares what it wrote with the raw ticks, and only then
moves the days' partitions there; the view's boundary follows when all days are done. It may break
off anywhere: what it left is either in force and whole, or in nobody's sight. docs/lake.md has it
step by step.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from chalicelib.domain.errors import CompactionError, FieldError, OutOfTime
from chalicelib.domain.times import from_text, to_text
from chalicelib.services import lake_sql
from chalicelib.services.compact_plan import (
    DAYS,
    Batch,
    arrived,
    batches,
    chunked,
    days_between,
    last_finished,
    late,
    measured,
)
from chalicelib.services.compact_writing import Statements, write
from chalicelib.services.lake_sql import TABLES, Table
from chalicelib.services.lake_stores import OVERLAP, LakeStores, Marks, Part
from chalicelib.services.merge import Merge, Merged

log = logging.getLogger("ticktape.compact")

LEASE = timedelta(minutes=16)
"""Longer than a Lambda function may run."""

GRACE = timedelta(days=1)
"""Readers that began before a partition moved find its old objects for so long."""

RAW_IS_WHOLE = timedelta(days=30)
"""Raw objects are kept longer than this. Older days keep what only Parquet still has of them."""

_TICKS, _MINUTES = TABLES


class Compacted(msgspec.Struct, frozen=True):
    """What a run has done. `left` says that it had no time for all; `busy` that another is on.

    `removed` counts superseded objects, `merged` raw objects whose lines went into others.
    """

    days: tuple[str, ...] = ()
    ticks: int = 0
    bytes_scanned: int = 0
    left: bool = False
    removed: int = 0
    merged: int = 0
    busy: bool = False


class Compact:
    """The service behind the schedule."""

    def __init__(
        self,
        lake: LakeStores,
        clock: Callable[[], datetime],
        *,
        sleep: Callable[[float], None] = time.sleep,
        grace: timedelta = GRACE,
    ) -> None:
        self._lake = lake
        self._clock = clock
        self._sleep = sleep
        self._grace = grace

    def __call__(self, day: str | None, owner: str, deadline: float) -> Compacted:
        """Compact what is due, or one day whatever was done of it before.

        `deadline` is a time.monotonic. Raises FieldError for what is no day, or one that is not
        over, and CompactionError when some days failed: the others are done then.
        """
        now = self._clock()
        if day is not None:
            _require_finished(day, now)
        if not self._lake.lease.take(owner, now, now + LEASE):
            return Compacted(busy=True)
        try:
            statements = Statements(self._lake, self._sleep, deadline)
            return _Run(self._lake, statements, now).all(day, now - self._grace, deadline)
        finally:
            self._lake.lease.release(owner, self._clock())


class _Run:
    """One run, under the lease."""

    def __init__(self, lake: LakeStores, statements: Statements, now: datetime) -> None:
        self._lake = lake
        self._statements = statements
        self._now = now
        self._moved = to_text(now)
        self._done: dict[str, Part] = {}
        self._failed: list[CompactionError] = []

    def all(self, day: str | None, superseded_before: datetime, deadline: float) -> Compacted:
        """Everything, in an order in which it may break off anywhere."""
        for table in TABLES:
            self._lake.catalog.unstage(table)
        left, removed, merged = False, 0, Merged()
        try:
            if day is None:
                self._all_due()
            else:
                self._ticks({day: set()})
                self._minutes()
            removed = self._clean(superseded_before, deadline)
            if day is None and not self._failed:
                self._merge(merged)
        except OutOfTime:
            left = True
        if self._failed:
            raise CompactionError("; ".join(str(error) for error in self._failed))
        ticks = sum(part.rows for part in self._done.values())
        scanned = self._statements.scanned
        return Compacted(tuple(self._done), ticks, scanned, left, removed, merged.objects)

    def _all_due(self) -> None:
        """What is due, and then the view's boundary."""
        marks = self._lake.catalog.marks()
        changed = self._lake.objects.changed(marks.surveyed_until)
        last = last_finished(self._now)
        due: dict[str, set[str]] = defaultdict(set)
        if marks.compacted_until:  # days that were not over when their objects were surveyed
            due |= {day: set() for day in days_between(marks.compacted_until, last)}
        for hours in chunked(changed.arrived, DAYS):
            for day, arrival in self._statements.rows(lake_sql.survey(hours)):
                if day and arrival and day <= last:
                    due.setdefault(day, set()).add(arrival)
        self._ticks(due)
        self._minutes()
        if not self._failed:
            until = max(last, marks.compacted_until or last)
            self._lake.catalog.move(Marks(until, changed.newest), lake_sql.all_ticks(until))

    def _ticks(self, due: Mapping[str, set[str]]) -> None:
        """Ticks of days, of which the dates of late arrivals that are new are given."""
        parts = self._lake.catalog.parts(_TICKS)
        known = {day: parts[day].arrivals for day in due if day in parts}
        arrivals = {day: late(day, {*found, *known.get(day, ())}) for day, found in due.items()}
        for days in chunked(sorted(due), DAYS):
            rows = self._statements.rows(lake_sql.measure(self._select(days, arrivals)))
            for batch in batches(measured(rows)):
                noted = {day: Part("", "", 0, self._moved, arrivals[day]) for day in batch.dates}
                select = self._select(batch.dates, arrivals)
                self._done |= self._attempt(_TICKS, batch, select, noted)

    def _attempt(
        self, table: Table, batch: Batch, select: str, noted: Mapping[str, Part]
    ) -> dict[str, Part]:
        """What was written. One batch's failure does not keep the others waiting."""
        try:
            return write(self._lake, self._statements, table, batch, select, noted)
        except CompactionError as error:
            log.exception("%s: not %s to %s", table.name, batch.dates[0], batch.dates[-1])
            self._failed.append(error)
            return {}

    def _select(self, days: Sequence[str], arrivals: Mapping[str, tuple[str, ...]]) -> str:
        """The statement of some days' ticks."""
        bound = (self._now - RAW_IS_WHOLE).date().isoformat()
        kept = [day for day in days if day < bound]
        return lake_sql.day_ticks(days, arrived(days, arrivals), kept)

    def _minutes(self) -> None:
        """Bars of all days whose ticks are of another run than the bars were made of."""
        ticks, bars = (self._lake.catalog.parts(table) for table in TABLES)
        behind = [
            day for day in sorted(ticks) if day not in bars or bars[day].run != ticks[day].run
        ]
        for days in chunked(behind, DAYS):
            rows = self._statements.rows(lake_sql.measure(lake_sql.compacted_ticks(days)))
            for batch in batches(measured(rows)):
                calendars = {day.date: day.calendars for day in batch.days}
                select = lake_sql.day_minutes(batch.dates, calendars)
                noted = {day: Part("", ticks[day].run, 0, self._moved) for day in batch.dates}
                self._attempt(_MINUTES, batch, select, noted)

    def _clean(self, before: datetime, deadline: float) -> int:
        """Objects of superseded and broken-off runs, after their time of grace."""
        removed = 0
        for table in TABLES:
            parts = self._lake.catalog.parts(table)
            removed += self._lake.objects.remove_superseded(table, parts, before, deadline)
        return removed

    def _merge(self, merged: Merged) -> None:
        """Merge the raw objects that have arrived before the last compacted day.

        Only what a survey has seen is merged, so that no late tick is overlooked.
        """
        marks = self._lake.catalog.marks()
        if marks.compacted_until is None or marks.surveyed_until is None:
            return
        first = (self._now - RAW_IS_WHOLE).date().isoformat()
        last = date.fromisoformat(marks.compacted_until) - timedelta(days=1)
        before = to_text(from_text(marks.surveyed_until) - OVERLAP)
        Merge(self._lake.raw, self._statements.need)(first, last.isoformat(), before, merged)


def _require_finished(day: str, now: datetime) -> None:
    last = last_finished(now)
    if not lake_sql.is_day(day) or day > last:
        raise FieldError("date", day, f"a day that is over, such as {last}, the last one")
