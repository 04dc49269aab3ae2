"""Athena takes 262,144 bytes a statement: what is stored makes none of compaction's longer."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from chalicelib.domain.sessions import calendar_for, zone_names
from chalicelib.services.lake import lake_sql
from chalicelib.services.lake.arrivals import ArrivalHours, partitions, spans
from chalicelib.services.lake.compact_months import MONTHS
from chalicelib.services.lake.compact_plan import DAYS, Day, arrived, batches, measured
from chalicelib.services.lake.compact_run import PERIODS
from chalicelib.services.lake.lake_sql import (
    DAYS_OF_TICKS,
    HISTORY,
    MINUTE_BARS,
    MONTHS_OF_TICKS,
    SESSIONS_BYTES,
    Table,
)
from chalicelib.services.lake.sessions import sessions
from embedded_aws.athena.api import MOST_BYTES

LONGEST = MOST_BYTES * 85 // 100
"""Our own limit: the rest is a margin."""

RUN = "0" * 32
PLACE = f"s3://{'bucket' * 10}/{'ticks_by_month'}/run={RUN}/"


def dates(count: int, apart: int = 1) -> list[str]:
    """Return dates, the last of them in 2026."""
    last = date(2026, 11, 20)
    return [(last - timedelta(days=apart * n)).isoformat() for n in reversed(range(count))]


SCATTERED = dates(DAYS, 4)
"""Days whose windows of arrival have no date in common."""

YEARS = [ArrivalHours(day) for day in dates(365 * 20)]
"""Twenty years of late arrivals, each day."""


def assert_short(table: Table, select: str) -> None:
    """Check all statements made from one that selects."""
    fields = [table.period, "series"]
    for statement in (
        lake_sql.measure(select),
        lake_sql.unload(table, select, PLACE, fields),
        lake_sql.check(table, select, RUN),
    ):
        assert len(statement.encode()) <= LONGEST


def test_minute_bars_of_a_hundred_days_that_have_every_time_zone() -> None:
    names = (*sorted(zone_names()), "=X", "=F")
    days = [Day(day, 600, names, 600) for day in dates(DAYS)]
    texts = sessions({day.date: day.calendars for day in days})
    made = list(batches(days, texts))
    assert [day for batch in made for day in batch.days] == days
    for batch in made:
        told = "".join(texts[day] for day in batch.dates)
        assert len(told) <= SESSIONS_BYTES
        assert_short(MINUTE_BARS, lake_sql.day_minutes(batch.dates, told))


def test_minute_bars_of_a_hundred_days_in_few_time_zones_are_one_statement() -> None:
    names = ("America/New_York", "Asia/Hong_Kong", "Asia/Tokyo", "Europe/London", "=X", "=F", "UTC")
    days = [Day(day, 25, names, 25) for day in dates(DAYS)]
    assert len(list(batches(days, sessions({day.date: names for day in days})))) == 1


def test_a_day_whose_sessions_are_too_many_is_in_a_batch_of_its_own() -> None:
    days = [Day(day, 1, ("UTC",), 1) for day in dates(3)]
    texts = {days[0].date: "x", days[1].date: "x" * (SESSIONS_BYTES + 1), days[2].date: "x"}
    assert [batch.days for batch in batches(days, texts)] == [(day,) for day in days]


@pytest.mark.parametrize("late", [[], YEARS[-990:], YEARS[-1100:], YEARS, YEARS[::2]])
def test_ticks_of_scattered_days_with_late_arrivals(late: list[ArrivalHours]) -> None:
    where = arrived(SCATTERED, {SCATTERED[0]: [one.date for one in late]})
    assert_short(DAYS_OF_TICKS, lake_sql.day_ticks(SCATTERED, where, SCATTERED))


@pytest.mark.parametrize("bar", HISTORY)
@pytest.mark.parametrize("late", [YEARS[-1000:], YEARS, YEARS[::2]])
def test_historical_bars_with_late_arrivals(bar: str, late: list[ArrivalHours]) -> None:
    periods = [f"{1970 + n}-12" for n in range(PERIODS)]
    assert_short(HISTORY[bar], lake_sql.history(bar, periods, late))


def test_surveys_months_and_views() -> None:
    some = [ArrivalHours(day, 1, 22) for day in dates(DAYS, 2)]
    assert len(lake_sql.survey(some, by_object=True)) <= LONGEST
    assert len(lake_sql.raw_bars_survey(some, by_object=True)) <= LONGEST
    assert_short(MONTHS_OF_TICKS, lake_sql.compacted_ticks(dates(31 * MONTHS)))
    months = [f"{year}-{month:02d}" for year in range(1970, 2050) for month in range(1, 13, 2)]
    for view in lake_sql.views("2026-11-20", months).values():
        assert len(view) <= LONGEST


def test_many_dates_become_spans_that_hold_them_all() -> None:
    far, near = [f"{year}-01-01" for year in range(2001, 2004)], dates(3, 2)
    assert spans([*far, *near], 4) == [(day, day) for day in far] + [(near[0], near[-1])]
    assert spans(near, 4) == [(day, day) for day in near]
    assert spans(near, 1) == [(near[0], near[-1])]
    every = dates(3000, 2)
    made = spans(every, 100)
    assert len(made) == 100
    assert all(any(first <= day <= last for first, last in made) for day in every)
    assert partitions(ArrivalHours(day) for day in every).count("BETWEEN") == 100


def test_calendars_whose_days_are_utc_have_no_sessions() -> None:
    day = "2026-11-20"
    assert sessions({day: ("UTC", "Etc/UTC", "Z1", "no zone (1)")}) == {day: ""}
    told = sessions({day: ("America/New_York", "=F")})[day]
    assert told.count("(") == 2
    assert "'2026-11-20T14:30:00.000000Z', '2026-11-20T21:00:00.000000Z', 1)" in told


def test_the_time_zones_that_count_are_those_that_calendars_know() -> None:
    known = zone_names()
    assert {"America/New_York", "Asia/Kolkata", "UTC"} <= known
    assert calendar_for("A", "Asia/Kolkata").name == "Asia/Kolkata"
    assert "'Asia/Kolkata'" in lake_sql.measure("x")


def test_a_day_has_the_sum_of_its_calendars() -> None:
    rows = [("2026-11-20", "UTC", "2", "5"), ("2026-11-19", "UTC", "1", "1"),
            ("2026-11-20", "=X", "1", "7")]  # fmt: skip
    assert measured(rows) == [
        Day("2026-11-19", 1, ("UTC",), 1),
        Day("2026-11-20", 3, ("=X", "UTC"), 12),
    ]
