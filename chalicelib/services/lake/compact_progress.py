"""The progress of compaction, recorded after each step so that the next run can continue."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import msgspec

from chalicelib.services.lake import lake_sql
from chalicelib.services.lake.arrivals import hour_of
from chalicelib.services.lake.compact_due import bounded
from chalicelib.services.lake.compact_plan import DAYS, by_date, chunked, day_before, days_between
from chalicelib.services.lake.compact_writing import Statements
from chalicelib.services.lake.lake_sql import HISTORY
from chalicelib.services.lake.stores import Changed, CompactionState, LakeStores

log = logging.getLogger("ticktape.compact")


class Progress:
    """Reads and records the progress of compaction, each step in one write. Objects written up to
    `surveyed_until` are in Parquet, or the days of their ticks are due."""

    def __init__(self, lake: LakeStores, last: str) -> None:
        """Load the recorded state. `last` is the last day that is over."""
        self._lake = lake
        self._last = last
        self._marks = lake.catalog.marks()
        self._died = self._marks.merging
        if self._marks.due is None:
            self._marks = msgspec.structs.replace(self._marks, due=_not_recorded(self._marks, last))

    def survey(self, statements: Statements) -> None:
        """Find the trading days and the periods of historical bars in all new raw objects. Record
        them as due."""
        changed = self._changed(self._marks.surveyed_until, self._marks.lately)
        bars = changed
        if self._marks.bars_due is None:
            bars = self._changed(None, frozenset())
        if not bars.hours:
            return
        self._record(
            surveyed_until=changed.newest,
            lately=changed.lately,
            due=bounded(_joined(self._due, _found_ticks(changed, statements))),
            bars_due=bounded(_joined(self._bars_due, _found_bars(bars, statements))),
            unsurveyed=(),
        )

    def _changed(self, since: str | None, known: frozenset[str]) -> Changed:
        """Return the raw objects written since the last survey. If an hour was merged before a
        survey, all of its objects are included."""
        found = self._lake.objects.changed(since, known)
        whole = dict.fromkeys(map(hour_of, self._marks.unsurveyed))
        return msgspec.structs.replace(found, hours={**found.hours, **whole})

    def merges(self, hour: str, *, surveyed: bool = False, again: bool = False) -> bool:
        """Record that the merge of an hour of arrival begins, and return True. If an earlier run
        died merging that hour, record nothing and return False, unless `again`.

        The next survey reads the whole hour, unless its merged objects were `surveyed` before.
        """
        if hour in self._died and not again:
            return False
        if hour:
            known = self._marks.unsurveyed
            unsurveyed = known if surveyed else tuple(sorted({*known, hour}))
            self._record(unsurveyed=unsurveyed, merging=(*self._died, hour))
        return True

    @contextmanager
    def merging(self) -> Iterator[None]:
        """Record at the end of the context that the merges begun in it have ended, even if by an
        error. If the process dies, they stay recorded as begun."""
        try:
            yield
        except Exception:
            self._merged()
            raise
        self._merged()

    def _merged(self) -> None:
        if self._marks.merging != self._died:
            self._record(merging=self._died)

    def to_retry(self, first: str) -> list[str]:
        """Return the hours to merge again, which exactly one run died merging. Hours before the
        date of arrival `first` are left out.

        Hours that two runs died merging are skipped with a warning.
        """
        self._died = tuple(hour for hour in self._died if hour[:10] >= first)
        for hour in sorted(set(self._died)):
            if self._died.count(hour) > 1:
                log.warning("raw objects of %s stay as they are: two runs died merging them", hour)
        return [hour for hour in sorted(set(self._died)) if self._died.count(hour) == 1]

    def retried(self, hour: str) -> None:
        """Record that an hour was merged at the second attempt."""
        self._died = tuple(one for one in self._died if one != hour)

    def ahead(self) -> list[str]:
        """Return the due days after the boundary that are over, oldest first. The boundary cannot
        move past them."""
        return [day for day in sorted(self._due) if (self.boundary or "") < day <= self._last]

    def late(self) -> list[str]:
        """Return the due days up to the boundary, newest first."""
        return [day for day in sorted(self._due, reverse=True) if day <= (self.boundary or "")]

    def done(self, days: Iterable[str]) -> None:
        """Record that days are compacted and no longer due."""
        finished = set(days) & self._due.keys()
        if finished:
            self._record(due={d: found for d, found in self._due.items() if d not in finished})

    def bars_due(self, bar: str) -> dict[str, tuple[str, ...]]:
        """Return the due periods of an interval's historical bars. Each comes with the dates on
        which its new bars arrived."""
        keys = [key for key in sorted(self._bars_due) if key.startswith(f"{bar} ")]
        return {key.removeprefix(f"{bar} "): self._bars_due[key] for key in keys}

    def bars_done(self, bar: str, periods: Iterable[str]) -> None:
        """Record that periods of historical bars are compacted and no longer due."""
        done = {f"{bar} {period}" for period in periods}
        left = {key: found for key, found in self._bars_due.items() if key not in done}
        self._record(bars_due=left)

    def arrivals(self, day: str) -> tuple[str, ...]:
        """Return the dates of arrival of a day's new ticks."""
        return tuple(self._due.get(day, ()))

    @property
    def boundary(self) -> str | None:
        """Return the day up to which the view now reads compacted days."""
        return self._marks.compacted_until

    @property
    def months(self) -> tuple[str, ...]:
        """Return the months that the view now reads from the table of months."""
        return self._marks.months

    @property
    def until(self) -> str:
        """Return the last day to which the boundary may move. It is the last day that is over, or
        an earlier one if due data has to be read from raw objects.

        Due data are ticks of days after the boundary, and bars that arrived on its date or later.
        """
        shown = self.boundary or ""
        days = [day_before(day) for day in self.ahead()[:1]]
        bars = [date for dates in self._bars_due.values() for date in dates if date >= shown]
        return max(shown, min([max(self._last, shown), *days, *bars]))

    def finish(self, months: tuple[str, ...]) -> None:
        """Move the view's boundary as far as possible. The view then reads `months` from the table
        of months."""
        until = self.until
        self._marks = msgspec.structs.replace(self._marks, compacted_until=until, months=months)
        self._lake.catalog.move(self._marks, lake_sql.views(until, months))

    @property
    def _bars_due(self) -> Mapping[str, tuple[str, ...]]:
        return self._marks.bars_due or {}

    @property
    def _due(self) -> Mapping[str, tuple[str, ...]]:
        return self._marks.due or {}

    def _record(self, **changes: object) -> None:
        self._marks = msgspec.structs.replace(self._marks, **changes)
        self._lake.catalog.record(self._marks)


def _not_recorded(marks: CompactionState, last: str) -> dict[str, tuple[str, ...]]:
    """Return all days after the boundary as due, without dates of arrival. Before the first run
    there are none. Earlier versions recorded no due days, so their state lacks them."""
    if marks.compacted_until is None:
        return {}
    return dict.fromkeys(days_between(marks.compacted_until, last), ())


def _joined(
    known: Mapping[str, Iterable[str]], found: Iterable[tuple[str, str]]
) -> dict[str, tuple[str, ...]]:
    """Add pairs of a due key and a date of arrival to the `known` ones, and return all by key."""
    due = {what: set(arrivals) for what, arrivals in known.items()}
    for what, arrival in found:
        due.setdefault(what, set()).add(arrival)
    return {what: tuple(sorted(arrivals)) for what, arrivals in due.items()}


def _found_ticks(changed: Changed, statements: Statements) -> Iterable[tuple[str, str]]:
    """Yield pairs of a trading day and a date of arrival, for the ticks in new objects."""
    for day, arrival in _new_rows(changed, statements, lake_sql.survey):
        if day and arrival:
            yield day, arrival


def _found_bars(changed: Changed, statements: Statements) -> Iterable[tuple[str, str]]:
    """Yield pairs of a period such as `1d 2026` and a date of arrival, for the historical bars in
    new objects."""
    for bar, month, arrival in _new_rows(changed, statements, lake_sql.raw_bars_survey):
        if bar and month and arrival:
            yield f"{bar} {HISTORY[bar].period_of(month)}", arrival


def _new_rows(
    changed: Changed, statements: Statements, survey: Callable[..., str]
) -> Iterable[tuple[str | None, ...]]:
    """Yield the rows of a survey that come from new objects, each without the object's name."""
    new = {name for names in changed.hours.values() for name in names or ()}
    whole = [hour for hour, names in changed.hours.items() if names is None]
    mixed = [hour for hour, names in changed.hours.items() if names is not None]
    for hours, by_object in ((whole, False), (mixed, True)):
        for some in chunked(by_date(hours), DAYS):
            arrived = [hour for date in some for hour in date]
            for *row, name in statements.rows(survey(arrived, by_object)):
                if not by_object or name in new:
                    yield tuple(row)
