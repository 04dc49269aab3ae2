"""Decide which days to compact, and in which batches. This module does no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import TypeVar

import msgspec

from chalicelib.services.lake.arrivals import ArrivalHours, window
from chalicelib.services.lake.lake_sql import SESSIONS_BYTES

FINISHED_AFTER = timedelta(days=1, hours=6)
"""A day is compacted this long after it began in UTC. By 06:00 UTC of the next day, it is over even
in New York, the last of the markets. Its ticks have arrived by then."""

FOLDERS = 100
"""The most partitions that one UNLOAD writes."""

DAYS = 100
"""The most days that one statement reads."""

FOLDER_TICKS = 1000
"""A day with at least this many ticks per symbol on average has a folder for each symbol. A query
for one symbol reads the footers of all files, so smaller folders would cost more than they save."""

MONTH_TICKS = 500_000
"""The most ticks of a month whose days are copied into one file. They take about 8 MB. Athena
charges at least 10 MB for a query."""

_Item = TypeVar("_Item")
_NONE: Mapping[str, str] = MappingProxyType({})


class Day(msgspec.Struct, frozen=True):
    """A trading day with ticks. `calendars` names the calendars of its symbols."""

    date: str
    symbols: int
    calendars: tuple[str, ...]
    ticks: int

    @property
    def by_symbol(self) -> bool:
        """Return whether each symbol of the day has a folder."""
        return self.symbols <= FOLDERS and self.ticks >= self.symbols * FOLDER_TICKS

    @property
    def folders(self) -> int:
        """Return the number of folders that the day's ticks take."""
        return self.symbols if self.by_symbol else 1


class Batch(msgspec.Struct, frozen=True):
    """Days that one statement writes. Either all have a folder for each symbol, or none has."""

    days: tuple[Day, ...]

    @property
    def by_symbol(self) -> bool:
        """Return whether each symbol of a day has a folder."""
        return self.days[0].by_symbol

    @property
    def dates(self) -> list[str]:
        """Return the days' dates."""
        return [day.date for day in self.days]


def last_finished(now: datetime) -> str:
    """Return the last day that is over in all time zones."""
    return (now - FINISHED_AFTER).date().isoformat()


def day_before(day: str) -> str:
    """Return the date before a date."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def days_between(after: str, until: str) -> list[str]:
    """Return the dates after `after`, up to and including `until`."""
    first = date.fromisoformat(after) + timedelta(days=1)
    count = (date.fromisoformat(until) - first).days + 1
    return [(first + timedelta(days=n)).isoformat() for n in range(count)]


def late(day: str, arrivals: Iterable[str]) -> tuple[str, ...]:
    """Return the dates of arrival that lie outside a day's usual window."""
    usual = {one.date for one in window(day)}
    return tuple(sorted(set(arrivals) - usual))


def arrived(days: Iterable[str], arrivals: Mapping[str, Iterable[str]]) -> list[ArrivalHours]:
    """Return the hours in which all ticks of some days arrived. They are each day's usual window,
    and the whole dates on which late ticks arrived. `arrivals` has these dates by day."""
    found = [one for day in days for one in window(day)]
    return found + [ArrivalHours(one) for day in days for one in arrivals.get(day, ())]


def measured(rows: Iterable[Sequence[str | None]]) -> list[Day]:
    """Parse rows of date, calendar, number of symbols and number of ticks; return sorted days."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    for day, calendar, symbols, ticks in rows:
        counted = str(calendar), int(symbols or 0), int(ticks or 0)
        found.setdefault(str(day), []).append(counted)
    return [_day(day, found[day]) for day in sorted(found)]


def _day(date_text: str, counted: Iterable[tuple[str, int, int]]) -> Day:
    calendars, symbols, ticks = zip(*counted, strict=True)
    return Day(date_text, sum(symbols), tuple(sorted(calendars)), sum(ticks))


def batches(days: Iterable[Day], texts: Mapping[str, str] = _NONE) -> Iterator[Batch]:
    """Divide days, in order, into batches that one UNLOAD can write.

    A day of up to a hundred symbols and many ticks has a folder for each symbol; any other day has
    one folder. `texts` has the text that each day adds to the statement. A batch adds at most
    SESSIONS_BYTES.
    """
    batch: list[Day] = []
    for day in days:
        if batch and not _fits(batch, day, texts):
            yield Batch(tuple(batch))
            batch = []
        batch.append(day)
    if batch:
        yield Batch(tuple(batch))


def _fits(batch: Sequence[Day], day: Day, texts: Mapping[str, str]) -> bool:
    together = (*batch, day)
    return (
        day.by_symbol == batch[0].by_symbol
        and sum(one.folders for one in together) <= FOLDERS
        and sum(len(texts.get(one.date, "")) for one in together) <= SESSIONS_BYTES
    )


def by_date(hours: Iterable[ArrivalHours]) -> list[tuple[ArrivalHours, ...]]:
    """Group hours of arrival by their date."""
    return [tuple(group) for _, group in groupby(sorted(hours), key=lambda hour: hour.date)]


def chunked(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Divide items in order into chunks of at most `size`."""
    for at in range(0, len(items), size):
        yield items[at : at + size]
