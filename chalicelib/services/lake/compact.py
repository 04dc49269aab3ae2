"""Compaction: write finished trading days of the raw archive to Parquet, each tick once.

A run writes into its own folder and compares the result with the raw ticks. Only then does it point
the days' partitions at the folder. Next it moves the boundary, up to which the view reads Parquet.
Finally it writes late ticks of days before the boundary. A run may stop at any point: its files are
then either complete and in use, or not visible. docs/lake.md describes each step.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.errors import CompactionError, FieldError, OutOfTime
from chalicelib.services.lake.compact_plan import last_finished
from chalicelib.services.lake.compact_run import Run
from chalicelib.services.lake.compact_writing import Statements
from chalicelib.services.lake.merge import Merged
from chalicelib.services.lake.stores import LakeStores
from chalicelib.services.lake.texts import is_day

LEASE = timedelta(minutes=16)
"""How long a run holds the lease. It is longer than a Lambda function may run."""

GRACE = timedelta(days=1)
"""How long superseded objects are kept for queries that began before a partition moved."""


MERGING_PART = 1 / 3
"""The share of a run's time that may be spent on merging before new objects are surveyed."""

log = logging.getLogger("ticktape.compact")


class Compacted(msgspec.Struct, frozen=True):
    """The result of a run. If `left`, time ran out before the end. If `busy`, another run holds the
    lease.

    `removed` counts superseded objects. `merged` counts raw objects merged into others.
    """

    days: tuple[str, ...] = ()
    ticks: int = 0
    bytes_scanned: int = 0
    left: bool = False
    removed: int = 0
    merged: int = 0
    busy: bool = False


class Compact:
    """The service that the compaction schedule calls."""

    def __init__(
        self,
        lake: LakeStores,
        clock: Callable[[], datetime],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lake = lake
        self._clock = clock
        self._sleep = sleep

    def __call__(self, day: str | None, owner: str, deadline: float) -> Compacted:
        """Compact all due days. If `day` is given, compact only that day, even if it was compacted
        before.

        `deadline` is a time.monotonic. Raises FieldError if `day` is not a date or is not over.
        Raises CompactionError if some days failed; the others are compacted first.
        """
        if day is not None:
            _require_finished(day, self._clock())
        return self._leased(owner, deadline, lambda run: self._result(run, day, deadline))

    def gather(self, owner: str, deadline: float) -> Compacted:
        """Merge the raw objects of hours with many objects, and compact nothing. Compaction then
        reads fewer objects. `deadline` is a time.monotonic. Raises CompactionError."""
        return self._leased(owner, deadline, _gathered)

    def _leased(self, owner: str, deadline: float, work: Callable[[Run], Compacted]) -> Compacted:
        now = self._clock()
        if not self._lake.lease.take(owner, now, now + LEASE):
            return Compacted(busy=True)
        try:
            return work(Run(self._lake, Statements(self._lake, self._sleep, deadline), now))
        finally:
            self._lake.lease.release(owner, self._clock())

    def _result(self, run: Run, day: str | None, deadline: float) -> Compacted:
        """Run all steps and return the result. Their order allows a run to stop after any of them.
        If a step failed, raise CompactionError after the last step."""
        left, removed, merged = False, 0, Merged()
        failed: list[CompactionError] = []
        try:
            run.begin()
            if day is None:
                failed += _caught(lambda: _gathered_early(run, merged))
                run.ahead()
            else:
                run.one(day)
            removed = run.clean(run.now - GRACE, deadline)
            if day is None and not (failed or run.failed):
                failed += _caught(lambda: run.merge(merged))
            if day is None:
                run.late()
                failed += _caught(lambda: run.gather_again(merged))
        except OutOfTime:
            left = True
        if failed := [*failed, *run.failed]:
            raise CompactionError("; ".join(str(error) for error in failed))
        ticks = sum(part.rows for part in run.done.values())
        return Compacted(tuple(run.done), ticks, run.scanned, left, removed, merged.objects)


def _gathered(run: Run) -> Compacted:
    merged, left = Merged(), False
    try:
        run.gather(merged, part=1)
        run.gather_again(merged)
    except OutOfTime:
        left = True
    return Compacted(merged=merged.objects, left=left)


def _gathered_early(run: Run, merged: Merged) -> None:
    """Merge hours with many raw objects, in at most MERGING_PART of the run's time."""
    try:
        run.gather(merged, MERGING_PART)
    except OutOfTime:
        log.info("the next run will merge the remaining hours with many batches")


def _caught(step: Callable[[], None]) -> list[CompactionError]:
    """Run a step that merges raw objects, and return its error instead of raising it. A failed
    merge must not delay the compaction of days."""
    try:
        step()
    except CompactionError as error:
        log.exception("raw objects could not be merged")
        return [error]
    return []


def _require_finished(day: str, now: datetime) -> None:
    last = last_finished(now)
    if not is_day(day) or day > last:
        raise FieldError("date", day, f"a day that is over, such as {last}, the last one")
