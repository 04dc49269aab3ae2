"""One run of compaction, under its lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from chalicelib.domain.errors import CompactionError
from chalicelib.domain.times import from_text, to_text
from chalicelib.services import lake_sql
from chalicelib.services.compact_history import write_history
from chalicelib.services.compact_months import Months
from chalicelib.services.compact_plan import (
    DAYS,
    arrived,
    batches,
    chunked,
    last_finished,
    late,
    measured,
)
from chalicelib.services.compact_progress import Progress
from chalicelib.services.compact_writing import Statements, Writer
from chalicelib.services.lake_sql import DAYS_OF_TICKS, MINUTE_BARS, TABLES
from chalicelib.services.lake_stores import OVERLAP, LakeStores, Part
from chalicelib.services.merge import Merge, Merged

RAW_IS_WHOLE = timedelta(days=30)
"""Raw objects are kept longer than this. Older days keep what only Parquet still has of them."""


class Run:
    """The steps of a run. `done` has the days whose ticks it has written."""

    def __init__(self, lake: LakeStores, statements: Statements, now: datetime) -> None:
        self._lake = lake
        self._statements = statements
        self._writer = Writer(lake, statements, to_text(now))
        self._progress = Progress(lake, last_finished(now))
        self._months = Months(lake, self._writer)
        self.now = now
        self.done: dict[str, Part] = {}

    @property
    def failed(self) -> list[CompactionError]:
        """What went wrong."""
        return self._writer.failed

    @property
    def scanned(self) -> int:
        """Bytes that its statements scanned."""
        return self._statements.scanned

    def begin(self) -> None:
        """Hide what a broken-off run left unchecked."""
        for table in TABLES:
            self._lake.catalog.unstage(table)

    def all_due(self) -> None:
        """What is due, and then the view's boundary."""
        self._progress.survey(self._statements)
        self._ticks(self._progress.due())
        self._minutes()
        self._months.write(self._progress.until)
        write_history(self._writer, self._progress)
        if not self.failed:
            self._progress.finish(self._months.current(self._progress.until))

    def one(self, day: str) -> None:
        """One day, whatever was done of it before."""
        self._ticks({day: self._progress.arrivals(day)})
        self._minutes()
        self._months.write(self._progress.boundary)

    def clean(self, before: datetime, deadline: float) -> int:
        """Delete objects of superseded and broken-off runs, after their time of grace."""
        self._months.forget(self._progress.months, to_text(before))
        removed = 0
        for table in TABLES:
            parts = self._lake.catalog.parts(table)
            removed += self._lake.objects.remove_superseded(table, parts, before, deadline)
        return removed

    def merge(self, merged: Merged) -> None:
        """Merge the raw objects that have arrived before the last compacted day.

        Only what a survey has seen is merged, so that no late tick is overlooked.
        """
        marks = self._lake.catalog.marks()
        if marks.compacted_until is None or marks.surveyed_until is None:
            return
        first = (self.now - RAW_IS_WHOLE).date().isoformat()
        last = date.fromisoformat(marks.compacted_until) - timedelta(days=1)
        before = to_text(from_text(marks.surveyed_until) - OVERLAP)
        Merge(self._lake.raw, self._statements.need)(first, last.isoformat(), before, merged)

    def _ticks(self, due: Mapping[str, tuple[str, ...]]) -> None:
        """Ticks of days, of which the dates of late arrivals that are new are given."""
        parts = self._lake.catalog.parts(DAYS_OF_TICKS)
        known = {day: parts[day].arrivals for day in due if day in parts}
        arrivals = {day: late(day, {*found, *known.get(day, ())}) for day, found in due.items()}
        for days in chunked(sorted(due), DAYS):
            rows = self._statements.rows(lake_sql.measure(self._select(days, arrivals)))
            found = measured(rows)
            for batch in batches(found):
                select = self._select(batch.dates, arrivals)
                written = self._writer.write(
                    DAYS_OF_TICKS,
                    batch.dates,
                    select,
                    by_symbol=batch.by_symbol,
                    arrivals=arrivals,
                )
                self.done |= written
                self._progress.done(written)
            self._progress.done(set(days) - {day.date for day in found})

    def _select(self, days: Sequence[str], arrivals: Mapping[str, tuple[str, ...]]) -> str:
        """The statement of some days' ticks."""
        bound = (self.now - RAW_IS_WHOLE).date().isoformat()
        kept = [day for day in days if day < bound]
        return lake_sql.day_ticks(days, arrived(days, arrivals), kept)

    def _minutes(self) -> None:
        """Bars of all days whose ticks are of another run than the bars were made of."""
        ticks = self._lake.catalog.parts(DAYS_OF_TICKS)
        bars = self._lake.catalog.parts(MINUTE_BARS)
        runs = {day: part.run for day, part in ticks.items()}
        behind = [day for day in sorted(runs) if day not in bars or bars[day].run != runs[day]]
        for days in chunked(behind, DAYS):
            rows = self._statements.rows(lake_sql.measure(lake_sql.compacted_ticks(days)))
            for batch in batches(measured(rows)):
                calendars = {day.date: day.calendars for day in batch.days}
                select = lake_sql.day_minutes(batch.dates, calendars)
                self._writer.write(
                    MINUTE_BARS, batch.dates, select, by_symbol=batch.by_symbol, runs=runs
                )
