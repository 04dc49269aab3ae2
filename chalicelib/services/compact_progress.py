"""How far compaction is, written down as a run gets on, so that the next one goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from chalicelib.services import lake_sql
from chalicelib.services.compact_plan import DAYS, by_date, chunked, days_between
from chalicelib.services.compact_writing import Statements
from chalicelib.services.lake_sql import HISTORY
from chalicelib.services.lake_stores import Changed, LakeStores, Marks


class Progress:
    """The marks of a run. Each step is recorded as a whole: whatever was written until
    `surveyed_until` is in Parquet, or its day is due."""

    def __init__(self, lake: LakeStores, last: str) -> None:
        """`last` is the last day that is over."""
        self._lake = lake
        self._last = last
        self._marks = lake.catalog.marks()
        if self._marks.due is None:
            self._marks = msgspec.structs.replace(self._marks, due=_not_recorded(self._marks, last))

    def survey(self, statements: Statements) -> None:
        """Find the days of all raw objects that are new, and record them as due."""
        changed = self._lake.objects.changed(self._marks.surveyed_until, self._marks.lately)
        bars = changed
        if self._marks.bars_due is None:
            bars = self._lake.objects.changed(None, frozenset())
        if not bars.hours:
            return
        self._record(
            surveyed_until=changed.newest,
            lately=changed.lately,
            due=_joined(self._due, _found(changed, statements)),
            bars_due=_joined(self._bars_due, _found_bars(bars, statements)),
        )

    def due(self) -> dict[str, tuple[str, ...]]:
        """Days that are over and to be compacted, with the dates of arrival of their new ticks."""
        return {day: self._due[day] for day in sorted(self._due) if day <= self._last}

    def done(self, days: Iterable[str]) -> None:
        """Record that days were compacted."""
        finished = set(days) & self._due.keys()
        if finished:
            self._record(due={d: found for d, found in self._due.items() if d not in finished})

    def bars_due(self, bar: str) -> dict[str, tuple[str, ...]]:
        """Periods of historical bars of an interval that are to be compacted, with the dates of
        arrival of the new ones."""
        keys = [key for key in sorted(self._bars_due) if key.startswith(f"{bar} ")]
        return {key.removeprefix(f"{bar} "): self._bars_due[key] for key in keys}

    def bars_done(self, bar: str, periods: Iterable[str]) -> None:
        """Record that periods of historical bars were compacted."""
        done = {f"{bar} {period}" for period in periods}
        left = {key: found for key, found in self._bars_due.items() if key not in done}
        self._record(bars_due=left)

    def arrivals(self, day: str) -> tuple[str, ...]:
        """The dates of arrival of a day's new ticks."""
        return tuple(self._due.get(day, ()))

    @property
    def boundary(self) -> str | None:
        """The day up to which the view reads compacted days now."""
        return self._marks.compacted_until

    @property
    def months(self) -> tuple[str, ...]:
        """Months that the view reads from the table of months now."""
        return self._marks.months

    @property
    def until(self) -> str:
        """The day up to which the view is to read compacted days."""
        return max(self._last, self._marks.compacted_until or self._last)

    def finish(self, months: tuple[str, ...]) -> None:
        """Move the view's boundary to the last day, unless a day before it is still due, and have
        it read these months from the table of months."""
        if not self.due() and not self._bars_due:
            self._marks = msgspec.structs.replace(
                self._marks, compacted_until=self.until, months=months
            )
            self._lake.catalog.move(self._marks, lake_sql.views(self.until, months))

    @property
    def _bars_due(self) -> Mapping[str, tuple[str, ...]]:
        return self._marks.bars_due or {}

    @property
    def _due(self) -> Mapping[str, tuple[str, ...]]:
        return self._marks.due or {}

    def _record(self, **changes: object) -> None:
        self._marks = msgspec.structs.replace(self._marks, **changes)
        self._lake.catalog.record(self._marks)


def _not_recorded(marks: Marks, last: str) -> dict[str, tuple[str, ...]]:
    """Days that were not over when a version that recorded no due days surveyed their objects."""
    if marks.compacted_until is None:
        return {}
    return dict.fromkeys(days_between(marks.compacted_until, last), ())


def _joined(
    known: Mapping[str, Iterable[str]], found: Iterable[tuple[str, str]]
) -> dict[str, tuple[str, ...]]:
    """What is due, with more pairs of what is due and a date of arrival."""
    due = {what: set(arrivals) for what, arrivals in known.items()}
    for what, arrival in found:
        due.setdefault(what, set()).add(arrival)
    return {what: tuple(sorted(arrivals)) for what, arrivals in due.items()}


def _found(changed: Changed, statements: Statements) -> Iterable[tuple[str, str]]:
    """Trading days and dates of arrival of the ticks in new objects."""
    for day, arrival in _new(changed, statements, lake_sql.survey):
        if day and arrival:
            yield day, arrival


def _found_bars(changed: Changed, statements: Statements) -> Iterable[tuple[str, str]]:
    """Periods, as `1d 2026`, and dates of arrival of the historical bars in new objects."""
    for bar, month, arrival in _new(changed, statements, lake_sql.raw_bars_survey):
        if bar and month and arrival:
            yield f"{bar} {HISTORY[bar].period_of(month)}", arrival


def _new(
    changed: Changed, statements: Statements, survey: Callable[..., str]
) -> Iterable[tuple[str | None, ...]]:
    """The rows of a survey that come of new objects, without the objects' names."""
    new = {name for names in changed.hours.values() for name in names or ()}
    whole = [hour for hour, names in changed.hours.items() if names is None]
    mixed = [hour for hour, names in changed.hours.items() if names is not None]
    for hours, by_object in ((whole, False), (mixed, True)):
        for some in chunked(by_date(hours), DAYS):
            arrived = [hour for date in some for hour in date]
            for *row, name in statements.rows(survey(arrived, by_object)):
                if not by_object or name in new:
                    yield tuple(row)
