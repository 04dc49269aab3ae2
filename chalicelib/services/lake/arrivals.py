"""Dates and hours of arrival. The raw archive is partitioned by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import msgspec

from chalicelib.services.lake.texts import day_text, days_list

MOST_DATES = 1000
"""The most dates that a statement lists individually. A statement has three such lists. A date
takes 14 bytes in each list, or 64 if only some of its hours are listed."""

MOST_SPANS = 100
"""The most date ranges that a statement lists if there are more than MOST_DATES dates."""

LAST_HOUR = 23
_BEFORE, _AFTER = 10, 12
"""A local day lies between 10:00 UTC of the day before and 12:00 UTC of the day after."""


class ArrivalHours(msgspec.Struct, frozen=True, order=True):
    """A range of hours of one date, `[first, last]`. The raw archive has a partition for each hour
    of arrival."""

    date: str
    first: int = 0
    last: int = LAST_HOUR


def hour_of(text: str) -> ArrivalHours:
    """Parse an hour of arrival, such as `2026-11-20T15`."""
    day, _, hour = text.partition("T")
    return ArrivalHours(day, int(hour), int(hour))


def window(day: str) -> list[ArrivalHours]:
    """Return the UTC hours in which a trading day's ticks usually arrive, whatever the time zone of
    the exchange."""
    middle = date.fromisoformat(day)
    before, after = middle - timedelta(days=1), middle + timedelta(days=1)
    return [
        ArrivalHours(before.isoformat(), first=_BEFORE),
        ArrivalHours(day),
        ArrivalHours(after.isoformat(), last=_AFTER),
    ]


def partitions(arrived: Iterable[ArrivalHours]) -> str:
    """Return the SQL condition that selects these hours of arrival. A date that is given twice gets
    one condition.

    Above MOST_DATES dates, the condition is shortened: it also selects dates in between.
    """
    hours: dict[str, tuple[int, int]] = {}
    for one in arrived:
        first, last = hours.get(day_text(one.date), (one.first, one.last))
        hours[one.date] = min(first, one.first), max(last, one.last)
    if len(hours) > MOST_DATES:
        found = spans(sorted(hours), MOST_SPANS)
        return " OR ".join(f"\"date\" BETWEEN '{first}' AND '{last}'" for first, last in found)
    return _one_by_one(hours)


def _one_by_one(hours: Mapping[str, tuple[int, int]]) -> str:
    whole = [day for day, span in sorted(hours.items()) if span == (0, LAST_HOUR)]
    parts = [f'"date" IN ({days_list(whole)})'] if whole else []
    parts += [
        f"(\"date\" = '{day}' AND \"hour\" BETWEEN '{first:02d}' AND '{last:02d}')"
        for day, (first, last) in sorted(hours.items())
        if (first, last) != (0, LAST_HOUR)
    ]
    return " OR ".join(parts)


def spans(dates: Sequence[str], most: int) -> list[tuple[str, str]]:
    """Divide sorted dates into at most `most` ranges `[first, last]`, at the widest gaps."""
    days = [date.fromisoformat(day) for day in dates]
    gaps = [(days[at] - days[at - 1], at) for at in range(1, len(days))]
    begins = sorted([0, *(at for _, at in sorted(gaps, reverse=True)[: most - 1])])
    ends = [*(at - 1 for at in begins[1:]), len(dates) - 1]
    return [(dates[first], dates[last]) for first, last in zip(begins, ends, strict=True)]
