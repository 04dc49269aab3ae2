"""Compaction: finished trading days of the raw archive into Parquet, each tick once.

A run writes into a folder of its own, compares what it wrote with the raw ticks, and only then
moves the days' partitions there; the view's boundary follows when all days are done. It may break
off anywhere: what it left is either in force and whole, or in nobody's sight. docs/lake.md has it
step by step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.errors import CompactionError, FieldError, OutOfTime
from chalicelib.services.compact_plan import last_finished
from chalicelib.services.compact_run import Run
from chalicelib.services.compact_writing import Statements
from chalicelib.services.lake_sql import is_day
from chalicelib.services.lake_stores import LakeStores
from chalicelib.services.merge import Merged

LEASE = timedelta(minutes=16)
"""Longer than a Lambda function may run."""

GRACE = timedelta(days=1)
"""Readers that began before a partition moved find its old objects for so long."""


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
            run = Run(self._lake, statements, now)
            return self._result(run, day, deadline)
        finally:
            self._lake.lease.release(owner, self._clock())

    def _result(self, run: Run, day: str | None, deadline: float) -> Compacted:
        """Everything, in an order in which it may break off anywhere."""
        left, removed, merged = False, 0, Merged()
        try:
            run.begin()
            if day is None:
                run.all_due()
            else:
                run.one(day)
            removed = run.clean(run.now - self._grace, deadline)
            if day is None and not run.failed:
                run.merge(merged)
        except OutOfTime:
            left = True
        if run.failed:
            raise CompactionError("; ".join(str(error) for error in run.failed))
        ticks = sum(part.rows for part in run.done.values())
        return Compacted(tuple(run.done), ticks, run.scanned, left, removed, merged.objects)


def _require_finished(day: str, now: datetime) -> None:
    last = last_finished(now)
    if not is_day(day) or day > last:
        raise FieldError("date", day, f"a day that is over, such as {last}, the last one")
