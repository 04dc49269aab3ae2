"""The minutes of regular trading, by hand and against a model that asks minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import EPOCH
from chalicelib.domain.trading_minutes import instant_of, trading_hours

DAY = 1440
CALENDARS = {
    "New York": ("AAPL", "America/New_York"),
    "London": ("VOD.L", "Europe/London"),
    "Hong Kong": ("0700.HK", "Asia/Hong_Kong"),
    "crypto": ("BTC-USD", "UTC"),
    "crypto without a zone": ("BTC-USD", None),
    "currencies": ("EURUSD=X", "Europe/London"),
    "futures": ("ES=F", "America/New_York"),
}


def minute(text: str, zone: str = "UTC") -> int:
    instant = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return (instant - EPOCH) // timedelta(minutes=1)


def hours_on(symbol: str, zone: str, day: str) -> list[str]:
    """The stretches of a local day, as local times."""
    hours = trading_hours(symbol, zone)
    start = minute(f"{day}T00:00", zone)
    local = ZoneInfo(zone)
    return [
        "-".join(f"{instant_of(at).astimezone(local):%H:%M}" for at in stretch[1:])
        for stretch in hours.stretches(start, start + DAY)
    ]


@pytest.mark.parametrize(
    ("symbol", "zone", "day", "expected"),
    [
        ("AAPL", "America/New_York", "2026-11-20", ["09:30-16:00"]),
        ("AAPL", "America/New_York", "2026-11-27", ["09:30-13:00"]),
        ("AAPL", "America/New_York", "2026-11-26", []),
        ("AAPL", "America/New_York", "2026-11-21", []),
        ("VOD.L", "Europe/London", "2026-12-24", ["08:00-12:30"]),
        ("0700.HK", "Asia/Hong_Kong", "2026-11-20", ["09:30-12:00", "13:00-16:00"]),
        ("0700.HK", "Asia/Hong_Kong", "2026-12-24", ["09:30-12:00"]),
        ("7203.T", "Asia/Tokyo", "2026-11-20", ["09:00-11:30", "12:30-15:30"]),
        ("7203.T", "Asia/Tokyo", "2024-11-01", ["09:00-11:30", "12:30-15:00"]),
        ("7203.T", "Asia/Tokyo", "2026-11-23", []),
        ("600519.SS", "Asia/Shanghai", "2026-11-20", ["09:30-11:30", "13:00-15:00"]),
        ("SAP.DE", "Europe/Berlin", "2026-11-20", ["09:00-17:30"]),
        ("SAP.DE", "Europe/Berlin", "2026-12-30", ["09:00-14:00"]),
        ("SHOP.TO", "America/Toronto", "2026-11-20", ["09:30-16:00"]),
        ("BTC-USD", "UTC", "2026-11-21", ["00:00-00:00"]),
        ("EURUSD=X", "America/New_York", "2026-11-20", ["00:00-17:00"]),
        ("EURUSD=X", "America/New_York", "2026-11-22", ["17:00-00:00"]),
        ("ES=F", "America/New_York", "2026-11-19", ["00:00-17:00", "18:00-00:00"]),
    ],
)
def test_the_hours_of_a_day(symbol: str, zone: str, day: str, expected: list[str]) -> None:
    assert hours_on(symbol, zone, day) == expected
    assert trading_hours(symbol, zone).is_known


@pytest.mark.parametrize(
    ("symbol", "zone"),
    [("VOLV-B.ST", "Europe/Stockholm"), ("X", "No/Such_Zone"), ("X", "Mars"), ("X", "../etc")],
)
def test_hours_that_no_table_has_are_unknown(symbol: str, zone: str) -> None:
    hours = trading_hours(symbol, zone)
    assert not hours.is_known
    start = minute("2026-11-21T00:00")
    assert (
        sum(stretch.end - stretch.start for stretch in hours.stretches(start, start + DAY)) == DAY
    )


def test_a_local_day_with_a_change_of_clocks_has_its_own_length() -> None:
    hours = trading_hours("VOLV-B.ST", "Europe/Stockholm")
    start = minute("2026-10-24T00:00", "Europe/Stockholm")
    found = [stretch.end - stretch.start for stretch in hours.stretches(start, start + 3 * DAY)]
    assert found == [DAY, DAY + 60, DAY - 60]


def test_an_empty_range_has_no_stretch() -> None:
    assert list(trading_hours("AAPL", None).stretches(10, 10)) == []
    assert list(trading_hours("AAPL", None).stretches(10, 9)) == []


@pytest.mark.parametrize(("symbol", "zone"), CALENDARS.values(), ids=CALENDARS)
@settings(max_examples=15, deadline=None)
@given(
    day=st.dates(date(2010, 1, 1), date(2030, 1, 1)),
    start=st.integers(-3000, 3000),
    length=st.integers(0, 4000),
)
def test_the_stretches_are_the_minutes_in_session(
    symbol: str, zone: str | None, day: date, start: int, length: int
) -> None:
    calendar = calendar_for(symbol, zone)
    first = (datetime(day.year, day.month, day.day, tzinfo=UTC) - EPOCH).days * DAY + start
    found = list(trading_hours(symbol, zone).stretches(first, first + length))
    minutes = [at for stretch in found for at in range(stretch.start, stretch.end)]
    expected = []
    for at in range(first, first + length):
        session = calendar.session_at(instant_of(at))
        if (
            calendar.trades_on(session.date)
            and session.open <= instant_of(at) < session.close
            and not session.is_break(instant_of(at))
        ):
            expected.append((session.date, at))
    assert minutes == [at for _, at in expected]
    dates = [stretch.date for stretch in found for _ in range(stretch.start, stretch.end)]
    assert dates == [on for on, _ in expected]
