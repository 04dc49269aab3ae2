"""What is to be compacted, and in which pieces: pure."""

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
"""After 06:00 UTC a day is over in New York too, the last of the markets, and has arrived."""

FOLDERS = 100
"""The most partitions that one UNLOAD writes."""

DAYS = 100
"""The most days that one statement looks at."""

FOLDER_TICKS = 1000
"""The ticks a symbol, on average, from which on a day has a folder for each. A reader of one symbol
pays for the footers of all files, so that a folder of fewer ticks costs more than it saves."""

MONTH_TICKS = 500_000
"""The most ticks of a month whose days are copied into one file: some 8 MB, less than the 10 MB
that Athena charges for at least."""

_Item = TypeVar("_Item")
_NONE: Mapping[str, str] = MappingProxyType({})


class Day(msgspec.Struct, frozen=True):
    """A trading day that has ticks: how many, of how many symbols, on which calendars."""

    date: str
    symbols: int
    calendars: tuple[str, ...]
    ticks: int

    @property
    def by_symbol(self) -> bool:
        """Whether each symbol has a folder."""
        return self.symbols <= FOLDERS and self.ticks >= self.symbols * FOLDER_TICKS

    @property
    def folders(self) -> int:
        """How many folders the day takes."""
        return self.symbols if self.by_symbol else 1


class Batch(msgspec.Struct, frozen=True):
    """Days that one statement writes, all with a folder for each symbol or all without."""

    days: tuple[Day, ...]

    @property
    def by_symbol(self) -> bool:
        """Whether each symbol of a day has a folder."""
        return self.days[0].by_symbol

    @property
    def dates(self) -> list[str]:
        """The days' dates."""
        return [day.date for day in self.days]


def last_finished(now: datetime) -> str:
    """The last day that is over everywhere."""
    return (now - FINISHED_AFTER).date().isoformat()


def day_before(day: str) -> str:
    """The day before one."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def days_between(after: str, until: str) -> list[str]:
    """The days after one, up to another which is included."""
    first = date.fromisoformat(after) + timedelta(days=1)
    count = (date.fromisoformat(until) - first).days + 1
    return [(first + timedelta(days=n)).isoformat() for n in range(count)]


def late(day: str, arrivals: Iterable[str]) -> tuple[str, ...]:
    """Those dates of arrival that a day's usual window does not hold."""
    usual = {one.date for one in window(day)}
    return tuple(sorted(set(arrivals) - usual))


def arrived(days: Iterable[str], arrivals: Mapping[str, Iterable[str]]) -> list[ArrivalHours]:
    """Where all ticks of some days are: their windows, and the dates of late arrivals."""
    found = [one for day in days for one in window(day)]
    return found + [ArrivalHours(one) for day in days for one in arrivals.get(day, ())]


def measured(rows: Iterable[Sequence[str | None]]) -> list[Day]:
    """Days in order, out of rows of date, calendar, number of symbols and of ticks."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    for day, calendar, symbols, ticks in rows:
        counted = str(calendar), int(symbols or 0), int(ticks or 0)
        found.setdefault(str(day), []).append(counted)
    return [_day(day, found[day]) for day in sorted(found)]


def _day(date_text: str, counted: Iterable[tuple[str, int, int]]) -> Day:
    calendars, symbols, ticks = zip(*counted, strict=True)
    return Day(date_text, sum(symbols), tuple(sorted(calendars)), sum(ticks))


def batches(days: Iterable[Day], texts: Mapping[str, str] = _NONE) -> Iterator[Batch]:
    """Days in order, as many at once as one UNLOAD can write.

    A day of up to a hundred symbols and many ticks has a folder for each symbol, any other has one
    for itself. `texts` is what each day adds to the statement: SESSIONS_BYTES together.
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
    """Hours of arrival, grouped by their date."""
    return [tuple(group) for _, group in groupby(sorted(hours), key=lambda hour: hour.date)]


def chunked(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Items in order, at most so many at once."""
    for at in range(0, len(items), size):
        yield items[at : at + size]
