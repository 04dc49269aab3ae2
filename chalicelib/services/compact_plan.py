"""What is to be compacted, and in which pieces: pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

import msgspec

from chalicelib.services.lake_sql import Arrived, window

FINISHED_AFTER = timedelta(days=1, hours=6)
"""After 06:00 UTC a day is over in New York too, the last of the markets, and has arrived."""

FOLDERS = 100
"""The most partitions that one UNLOAD writes."""

DAYS = 100
"""The most days that one statement looks at."""

_Item = TypeVar("_Item")


class Day(msgspec.Struct, frozen=True):
    """A trading day that has ticks: of how many symbols, on which calendars."""

    date: str
    symbols: int
    calendars: tuple[str, ...]


class Batch(msgspec.Struct, frozen=True):
    """Days that one statement writes, with a folder for each symbol or without."""

    days: tuple[Day, ...]
    by_symbol: bool

    @property
    def dates(self) -> list[str]:
        """The days' dates."""
        return [day.date for day in self.days]


def last_finished(now: datetime) -> str:
    """The last day that is over everywhere."""
    return (now - FINISHED_AFTER).date().isoformat()


def days_between(after: str, until: str) -> list[str]:
    """The days after one, up to another which is included."""
    first = date.fromisoformat(after) + timedelta(days=1)
    count = (date.fromisoformat(until) - first).days + 1
    return [(first + timedelta(days=n)).isoformat() for n in range(count)]


def late(day: str, arrivals: Iterable[str]) -> tuple[str, ...]:
    """Those dates of arrival that a day's usual window does not hold."""
    usual = {one.date for one in window(day)}
    return tuple(sorted(set(arrivals) - usual))


def arrived(days: Iterable[str], arrivals: Mapping[str, Iterable[str]]) -> list[Arrived]:
    """Where all ticks of some days are: their windows, and the dates of late arrivals."""
    found = [one for day in days for one in window(day)]
    return found + [Arrived(one) for day in days for one in arrivals.get(day, ())]


def measured(rows: Iterable[Sequence[str | None]]) -> list[Day]:
    """Days in order, out of rows of date, calendar and number of symbols."""
    calendars: dict[str, list[str]] = defaultdict(list)
    symbols: dict[str, int] = defaultdict(int)
    for day, calendar, count in rows:
        calendars[str(day)].append(str(calendar))
        symbols[str(day)] += int(count or 0)
    return [Day(day, symbols[day], tuple(sorted(calendars[day]))) for day in sorted(symbols)]


def batches(days: Iterable[Day]) -> Iterator[Batch]:
    """Days in order, as many at once as one UNLOAD can write.

    A day of up to a hundred symbols has a folder for each, any other has one for itself.
    """
    batch: list[Day] = []
    for day in days:
        if batch and not _fits(batch, day):
            yield Batch(tuple(batch), _small(batch[0]))
            batch = []
        batch.append(day)
    if batch:
        yield Batch(tuple(batch), _small(batch[0]))


def _fits(batch: Sequence[Day], day: Day) -> bool:
    if _small(day) != _small(batch[0]):
        return False
    return sum(map(_folders, batch)) + _folders(day) <= FOLDERS


def _small(day: Day) -> bool:
    return day.symbols <= FOLDERS


def _folders(day: Day) -> int:
    return day.symbols if _small(day) else 1


def chunked(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Items in order, at most so many at once."""
    for at in range(0, len(items), size):
        yield items[at : at + size]
