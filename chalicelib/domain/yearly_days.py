"""Days that return each year, in the notation of the session tables.

A day is `1225` for a date, `0102:0` for a date if it is a Monday, `easter-2` for a day counted from
Easter Sunday, or `11.3.4` for the fourth Thursday of November: month, weekday with Monday as 0, and
number, where -1 is the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta


class YearlyDays:
    """The days of each year. A line has a year, or the first and the last year, and then days, such
    as `1990-2035 easter-2 1224@1300`. The text after `@` belongs to the day, such as its early
    close."""

    def __init__(self, lines: str) -> None:
        self._lines = [line.split() for line in lines.splitlines()]
        self._years: dict[int, dict[date, str]] = {}

    def of(self, year: int) -> dict[date, str]:
        """Return the days of a year, each with the text after its `@`."""
        if year not in self._years:
            self._years[year] = dict(self._found(year))
        return self._years[year]

    def _found(self, year: int) -> Iterator[tuple[date, str]]:
        for years, *marks in self._lines:
            first, _, last = years.partition("-")
            if int(first) <= year <= int(last or first):
                for mark in marks:
                    rule, _, at = mark.partition("@")
                    if day := day_of(rule, year):
                        yield day, at


def day_of(rule: str, year: int) -> date | None:
    """Return the date of a day such as `11.3.4` in a year; None if the year lacks it."""
    if rule.startswith("easter"):
        return _easter(year) + timedelta(days=int(rule[6:]))
    if "." in rule:
        return _nth_weekday(year, *map(int, rule.split(".")))
    day = date(year, int(rule[:2]), int(rule[2:4]))
    return day if len(rule) == 4 or day.weekday() == int(rule[5:]) else None


def _nth_weekday(year: int, month: int, weekday: int, number: int) -> date:
    if number < 0:
        start = date(year + month // 12, month % 12 + 1, 1)
        return start - timedelta(days=(start.weekday() - weekday - 1) % 7 + 1)
    start = date(year, month, 1)
    return start + timedelta(days=(weekday - start.weekday()) % 7 + 7 * (number - 1))


def _easter(year: int) -> date:
    """Return Easter Sunday (Meeus, Astronomical Algorithms, chapter 8)."""
    century, of_century = divmod(year, 100)
    moon = (
        19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15
    ) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (year % 19 + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
