"""Days that return each year: how they are read, and how the generator writes them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from chalicelib.domain.yearly_days import YearlyDays, day_of
from tools.yearly_lines import yearly

YEARS = range(1990, 2000)
WEEKDAYS = [
    day
    for number in range(3652)
    if (day := date(1990, 1, 1) + timedelta(days=number)).weekday() < 5
]


@pytest.mark.parametrize(
    ("rule", "year", "day"),
    [
        ("1225", 2026, date(2026, 12, 25)),
        ("0102:0", 2023, date(2023, 1, 2)),
        ("0102:0", 2024, None),
        ("easter-2", 2026, date(2026, 4, 3)),
        ("easter+1", 2008, date(2008, 3, 24)),
        ("11.3.4", 2026, date(2026, 11, 26)),
        ("5.0.-1", 2027, date(2027, 5, 31)),
        ("12.4.-1", 2027, date(2027, 12, 31)),
    ],
)
def test_rules_name_a_day_of_the_year(rule: str, year: int, day: date | None) -> None:
    assert day_of(rule, year) == day


def test_lines_name_days_in_their_years() -> None:
    days = YearlyDays("1990-1992 0704@1300\n1991 1129\n")
    assert days.of(1989) == days.of(1993) == {}
    assert days.of(1991) == {date(1991, 7, 4): "1300", date(1991, 11, 29): ""}


def test_written_rules_meet_no_session() -> None:
    closed = {day: "" for day in WEEKDAYS if (day.month, day.day) == (5, 1) and day.year != 1995}
    closed[date(1996, 9, 9)] = ""
    sessions = [day for day in WEEKDAYS if day not in closed]
    lines = yearly(closed, sessions)
    assert lines == ["1990-1994 0501", "1996 0909", "1996-1998 0501"]
    days = YearlyDays("\n".join(lines))
    met = {day for year in YEARS for day in days.of(year) if day.weekday() < 5}
    assert met == closed.keys()
