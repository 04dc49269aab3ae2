"""The steps of one compaction run, which holds the lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from chalicelib.domain.errors import CompactionError
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.lake import lake_sql
from chalicelib.services.lake.arrivals import ArrivalHours
from chalicelib.services.lake.compact_months import Months
from chalicelib.services.lake.compact_plan import (
    DAYS,
    Day,
    arrived,
    batches,
    chunked,
    last_finished,
    late,
    measured,
)
from chalicelib.services.lake.compact_progress import Progress
from chalicelib.services.lake.compact_writing import Statements, Writer
from chalicelib.services.lake.lake_sql import DAYS_OF_TICKS, HISTORY, MINUTE_BARS, TABLES
from chalicelib.services.lake.merge import Merge, Merged
from chalicelib.services.lake.merge_early import MergeEarly
from chalicelib.services.lake.sessions import sessions
from chalicelib.services.lake.stores import OVERLAP, CompactedPeriod, LakeStores

RAW_IS_WHOLE = timedelta(days=30)
"""Raw objects younger than this have not expired. If an older day is written again, its compacted
ticks are read too, since some may be missing in the raw archive."""

PERIODS = 24
"""The most months or years of historical bars that one statement writes."""


class Run:
    """The steps of a run. `done` has the days whose ticks this run has written. `_tried` has the
    days whose bars this run has tried to write. Each comes with the run that wrote the day's
    ticks."""

    def __init__(self, lake: LakeStores, statements: Statements, now: datetime) -> None:
        self._lake = lake
        self._statements = statements
        self._writer = Writer(lake, statements, to_text(now))
        self._progress = Progress(lake, last_finished(now))
        self._months = Months(lake, self._writer)
        self.now = now
        self.done: dict[str, CompactedPeriod] = {}
        self._tried: set[tuple[str, str]] = set()

    @property
    def failed(self) -> list[CompactionError]:
        """Return the errors of this run so far."""
        return self._writer.failed

    @property
    def scanned(self) -> int:
        """Return the bytes that the run's statements scanned."""
        return self._statements.scanned

    def begin(self) -> None:
        """Empty the tables of unchecked files. An interrupted run may have left some."""
        for table in TABLES:
            self._lake.catalog.unstage(table)

    def gather(self, merged: Merged, part: float) -> None:
        """Merge the hours after the boundary that have many raw objects. Takes at most the share
        `part` (0 to 1) of the remaining time. Raises OutOfTime and CompactionError."""
        early = MergeEarly(self._lake.raw, self._progress, self._statements.share(part))
        early(max(self._oldest, self._progress.boundary or ""), self.now, merged)

    def gather_again(self, merged: Merged) -> None:
        """Merge again the hours that an earlier run died merging. Raises OutOfTime and
        CompactionError."""
        early = MergeEarly(self._lake.raw, self._progress, self._statements.need)
        early.again(self._oldest, self.now, merged)

    def ahead(self) -> None:
        """Survey new raw objects, and compact the due days after the boundary. The boundary moves
        after every DAYS days, so even an unfinished run makes progress."""
        with self._writer.collecting_errors("the survey", [to_text(self.now)]):
            self._progress.survey(self._statements)
        parts = self._lake.catalog.parts(DAYS_OF_TICKS)
        for days in chunked(self._progress.ahead(), DAYS):
            if self.done and not self.failed:
                self._progress.finish(self._progress.months)
            self._ticks(days, parts)
        self._minutes(DAYS)
        self._months.write(self._progress.until)
        self._history()
        self._finish()

    def late(self) -> None:
        """Compact the due days up to the boundary, newest first. Late ticks have made them due."""
        due = self._progress.late()
        parts = self._lake.catalog.parts(DAYS_OF_TICKS)
        for days in chunked(due, DAYS):
            self._ticks(sorted(days), parts)
        self._minutes()
        if due:
            self._months.write(self._progress.until)
            self._finish()

    @property
    def _oldest(self) -> str:
        """Return the first date of arrival whose raw objects may be merged."""
        return (self.now - RAW_IS_WHOLE).date().isoformat()

    def _finish(self) -> None:
        if not self.failed:
            self._progress.finish(self._months.current(self._progress.until))

    def one(self, day: str) -> None:
        """Compact one day, even if it is compacted already."""
        self._ticks([day], self._lake.catalog.parts(DAYS_OF_TICKS))
        self._minutes()
        self._months.write(self._progress.boundary)

    def clean(self, before: datetime, deadline: float) -> int:
        """Delete objects of superseded and interrupted runs that were written before an instant.
        Return their number. Stops at the deadline, a time.monotonic."""
        self._months.forget(self._progress.months, to_text(before))
        removed = 0
        for table in TABLES:
            parts = self._lake.catalog.parts(table)
            removed += self._lake.objects.remove_superseded(table, parts, before, deadline)
        return removed

    def merge(self, merged: Merged) -> None:
        """Merge the raw objects that arrived before the last compacted day.

        Only surveyed objects are merged, so that no late tick is missed.
        """
        marks = self._lake.catalog.marks()
        if marks.compacted_until is None or marks.surveyed_until is None:
            return
        last = date.fromisoformat(marks.compacted_until) - timedelta(days=1)
        before = to_text(from_text(marks.surveyed_until) - OVERLAP)
        begin = partial(self._progress.merges, surveyed=True)
        merge = Merge(self._lake.raw, self._statements.need, begin)
        with self._progress.merging():
            merge(self._oldest, last.isoformat(), before, merged)

    def _ticks(self, days: Sequence[str], parts: Mapping[str, CompactedPeriod]) -> None:
        """Compact the ticks of at most DAYS days. `parts` has the days that were compacted
        before."""
        known = {day: parts[day].arrivals for day in days if day in parts}
        arrivals = {
            day: late(day, {*self._progress.arrivals(day), *known.get(day, ())}) for day in days
        }
        with self._writer.collecting_errors(DAYS_OF_TICKS.name, days):
            self._some_ticks(days, arrivals)

    def _some_ticks(self, days: Sequence[str], arrivals: Mapping[str, tuple[str, ...]]) -> None:
        found = self._measured(self._select(days, arrivals))
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
        """Return the statement that selects the ticks of some days."""
        bound = (self.now - RAW_IS_WHOLE).date().isoformat()
        kept = [day for day in days if day < bound]
        return lake_sql.day_ticks(days, arrived(days, arrivals), kept)

    def _minutes(self, most: int | None = None) -> None:
        """Write the minute bars of days whose ticks were written after their bars, newest first.
        Writes at most `most` days."""
        ticks = self._lake.catalog.parts(DAYS_OF_TICKS)
        bars = self._lake.catalog.parts(MINUTE_BARS)
        runs = {day: part.run for day, part in ticks.items()}
        made = {day: part.run for day, part in bars.items()}
        behind = {day for day, run in (runs.items() - made.items()) - self._tried}
        for some in chunked(sorted(behind, reverse=True)[:most], DAYS):
            days = sorted(some)
            self._tried |= {(day, runs[day]) for day in days}
            with self._writer.collecting_errors(MINUTE_BARS.name, days):
                self._some_minutes(days, runs)

    def _some_minutes(self, days: Sequence[str], runs: Mapping[str, str]) -> None:
        found = self._measured(lake_sql.compacted_ticks(days))
        texts = sessions({day.date: day.calendars for day in found})
        for batch in batches(found, texts):
            select = lake_sql.day_minutes(batch.dates, "".join(texts[day] for day in batch.dates))
            self._writer.write(
                MINUTE_BARS, batch.dates, select, by_symbol=batch.by_symbol, runs=runs
            )

    def _history(self) -> None:
        """Add the new historical bars to their tables, period by period.

        A period is rewritten from its stored bars and the new ones. If two of them are the same
        bar, the one from the later batch wins. Rewriting a period twice gives the same result.
        """
        for bar, table in HISTORY.items():
            due = self._progress.bars_due(bar)
            for periods in chunked(sorted(due), PERIODS):
                dates = sorted({ArrivalHours(date) for period in periods for date in due[period]})
                failed = len(self.failed)
                self._writer.write(table, periods, lake_sql.history(bar, periods, dates))
                if len(self.failed) == failed:
                    self._progress.bars_done(bar, periods)

    def _measured(self, ticks: str) -> list[Day]:
        """Return the days of the ticks that a statement selects, each with the numbers of its
        symbols and ticks. Raises CompactionError."""
        return measured(self._statements.rows(lake_sql.measure(ticks)))
