"""Copy a month's small days into one file, so that a query over years opens few files.

The files of the days are kept, but the view `all_ticks` reads the copy.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b

from chalicelib.services.lake import lake_sql
from chalicelib.services.lake.compact_plan import MONTH_TICKS, chunked
from chalicelib.services.lake.compact_writing import Writer
from chalicelib.services.lake.lake_sql import DAYS_OF_TICKS, MONTHS_OF_TICKS
from chalicelib.services.lake.stores import CompactedPeriod, LakeStores

MONTHS = 24
"""The most months that one statement writes. Athena accepts a hundred partitions, but a month has
many rows."""


class Months:
    """Writes the table of months. A month in it is a copy of the month's days in the table of
    days."""

    def __init__(self, lake: LakeStores, writer: Writer) -> None:
        self._lake = lake
        self._writer = writer

    def write(self, until: str | None) -> None:
        """Copy each small month that ends by the day `until`, unless its copy is up to date."""
        days = self._small(until)
        runs = {month: _run_of(parts) for month, parts in days.items()}
        copies = self._lake.catalog.parts(MONTHS_OF_TICKS)
        behind = [month for month in sorted(days) if _run(copies, month) != runs[month]]
        for months in chunked(behind, MONTHS):
            dates = [date for month in months for date in sorted(days[month])]
            select = lake_sql.compacted_ticks(dates)
            self._writer.write(MONTHS_OF_TICKS, months, select, runs=runs)

    def current(self, until: str) -> tuple[str, ...]:
        """Return the small months that end by `until` and have an up-to-date copy."""
        copies, small = self._lake.catalog.parts(MONTHS_OF_TICKS), self._small(until)
        return tuple(
            month for month in sorted(small) if _run(copies, month) == _run_of(small[month])
        )

    def forget(self, months: tuple[str, ...], before: str) -> None:
        """Drop the copies of months other than `months`, if they were made before an instant. The
        view no longer reads them, since their months have grown too large."""
        copies = self._lake.catalog.parts(MONTHS_OF_TICKS)
        unread = [m for m, part in copies.items() if m not in months and part.moved_at < before]
        self._lake.catalog.drop(MONTHS_OF_TICKS, sorted(unread))

    def _small(self, until: str | None) -> dict[str, dict[str, CompactedPeriod]]:
        """Return the days of each month that ends by `until` and is small enough for a copy."""
        found: dict[str, dict[str, CompactedPeriod]] = defaultdict(dict)
        for date, part in self._lake.catalog.parts(DAYS_OF_TICKS).items():
            found[MONTHS_OF_TICKS.period_of(date)][date] = part
        return {
            month: parts
            for month, parts in found.items()
            if f"{month}-31" <= (until or "")
            and len(parts) > 1
            and sum(part.rows for part in parts.values()) <= MONTH_TICKS
        }


def _run(copies: dict[str, CompactedPeriod], month: str) -> str | None:
    return copies[month].run if month in copies else None


def _run_of(parts: dict[str, CompactedPeriod]) -> str:
    """Return a hash of the runs that wrote the days of a month. It changes if a day is written
    again."""
    runs = " ".join(f"{date} {part.run}" for date, part in sorted(parts.items()))
    return blake2b(runs.encode(), digest_size=16).hexdigest()
