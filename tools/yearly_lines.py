"""Writes days as lines for `chalicelib.domain.yearly_days`: first rules, then single days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from itertools import groupby

from chalicelib.domain.yearly_days import day_of

LEAST_DAYS = 3
"""The fewest days that a rule has to cover to be written."""

_DATES = [f"{date(2001, 1, 1) + timedelta(days=number):%m%d}" for number in range(365)]
_RULES = (
    *_DATES,
    *(f"{day}:{weekday}" for day in _DATES for weekday in range(5)),
    *(f"easter{days:+}" for days in range(-60, 70)),
    *(f"{month}.{day}.{n}" for month in range(1, 13) for day in range(5) for n in (1, 2, 3, 4, -1)),
)

Rule = tuple[str, int, int]
"""A rule's mark, and the first and the last year in which the rule holds."""

_day_of = cache(day_of)


def yearly(days: Mapping[date, str], sessions: Iterable[date]) -> list[str]:
    """Return the lines for `days`, whose values are the texts to write after each rule or day.

    A rule may also match days that are not in `sessions`, such as days on a weekend.
    """
    given = {date(day.year, day.month, day.day): text for day, text in days.items()}
    others = {date(day.year, day.month, day.day) for day in sessions} - given.keys()
    rules: list[Rule] = []
    left = dict(given)
    for text in sorted(set(given.values())):
        refused = others | {day for day, other in given.items() if other != text}
        rules += _rules(text, left, refused)
    return min(_lines(rules, left), _lines([], given), key=len)


def _rules(text: str, left: dict[date, str], refused: set[date]) -> Iterator[Rule]:
    """Yield rules for the days with this text, largest first, and remove their days from `left`."""
    wanted = {day for day, other in left.items() if other == text}
    years = range(min(left).year, max(left).year + 1)
    meeting = [rule for rule in _RULES if _count(rule, years, wanted) >= LEAST_DAYS]
    while True:
        wanted &= left.keys()
        runs = (run for rule in meeting for run in _runs(rule, years, wanted, refused))
        count, found = max(runs, key=lambda run: run[0], default=(0, ("", 0, 0)))
        if count < LEAST_DAYS:
            return
        rule, first, last = found
        for year in range(first, last + 1):
            if day := _day_of(rule, year):
                left.pop(day, None)
        yield f"{rule}{text}", first, last


def _count(rule: str, years: Iterable[int], wanted: set[date]) -> int:
    return sum(_day_of(rule, year) in wanted for year in years)


def _runs(
    rule: str, years: Iterable[int], wanted: set[date], refused: set[date]
) -> Iterator[tuple[int, Rule]]:
    """Yield a rule's longest runs of years without a refused day, each with its count of wanted
    days."""
    for is_refused, run in groupby(years, lambda year: _day_of(rule, year) in refused):
        if not is_refused:
            met = list(run)
            yield _count(rule, met, wanted), (rule, met[0], met[-1])


def _lines(rules: list[Rule], left: Mapping[date, str]) -> list[str]:
    listed: dict[tuple[int, int], list[str]] = defaultdict(list)
    for rule, first, last in rules:
        listed[first, last].append(rule)
    for day in sorted(left):
        listed[day.year, day.year].append(f"{day:%m%d}{left[day]}")
    return [
        " ".join([str(first) if first == last else f"{first}-{last}", *marks])
        for (first, last), marks in sorted(listed.items())
    ]
