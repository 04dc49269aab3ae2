"""Sessions by hand: every expectation here was read off a clock and a wall calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.sessions import calendar_for

NEW_YORK = ZoneInfo("America/New_York")
ALL_CALENDARS = {
    "New York": ("AAPL", "America/New_York"),
    "London": ("VOD.L", "Europe/London"),
    "Hong Kong": ("0700.HK", "Asia/Hong_Kong"),
    "Tokyo": ("7203.T", "Asia/Tokyo"),
    "crypto": ("BTC-USD", "UTC"),
    "currencies": ("EURUSD=X", "Europe/London"),
    "futures": ("ES=F", "America/New_York"),
}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("symbol", "timezone", "name"),
    [
        ("AAPL", "America/New_York", "XNYS"),
        ("AAPL", None, "XNYS"),
        ("AAPL", "", "XNYS"),
        ("AAPL", "US/Eastern", "XNYS"),
        ("VOD.L", "Europe/London", "XLON"),
        ("0700.HK", "Asia/Hong_Kong", "XHKG"),
        ("BTC-USD", "UTC", "24/7"),
        ("BTC-USD", None, "24/7"),
        ("ETH-EUR", None, "24/7"),
        ("BRK-B", None, "XNYS"),
        ("ACME", "UTC", "24/7"),
        ("EURUSD=X", "Europe/London", "24/5"),
        ("EURUSD=X", None, "24/5"),
        ("ES=F", "America/New_York", "CME"),
        ("ES=F", None, "CME"),
        ("7203.T", "Asia/Tokyo", "Asia/Tokyo"),
    ],
)
def test_a_symbol_and_its_time_zone_choose_the_calendar(
    symbol: str, timezone: str | None, name: str
) -> None:
    assert calendar_for(symbol, timezone).name == name


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "America", "../etc/passwd", "\0", "a" * 999])
def test_an_unknown_time_zone_gives_utc_days(timezone: str) -> None:
    assert calendar_for("AAPL", timezone).name == "24/7"


def test_the_same_calendar_is_kept_and_not_made_again() -> None:
    assert calendar_for("AAPL", "America/New_York") is calendar_for("MSFT", None)


@pytest.mark.parametrize(
    ("instant", "phase", "state"),
    [
        ("2026-11-20T03:59:59.999999", "closed", "CLOSED"),
        ("2026-11-20T04:00", "pre", "PRE"),
        ("2026-11-20T09:29:59.999999", "pre", "PRE"),
        ("2026-11-20T09:30", "regular", "REGULAR"),
        ("2026-11-20T16:00", "regular", "REGULAR"),
        ("2026-11-20T16:00:00.000001", "post", "POST"),
        ("2026-11-20T19:59:59.999999", "post", "POST"),
        ("2026-11-20T20:00", "closed", "CLOSED"),
        ("2026-11-20T23:59:59.999999", "closed", "CLOSED"),
    ],
)
def test_phases_of_a_new_york_day(instant: str, phase: str, state: str) -> None:
    calendar = calendar_for("AAPL", "America/New_York")
    session = calendar.session_at(new_york(instant))
    assert session.date == date(2026, 11, 20)
    assert session.phase(new_york(instant)) == phase
    assert calendar.market_state(new_york(instant)) == state
    assert calendar.is_open(new_york(instant)) == (state == "REGULAR")


def test_post_market_after_a_half_day_starts_at_its_close_and_lasts_four_hours() -> None:
    calendar = calendar_for("AAPL", "America/New_York")
    session = calendar.session_at(new_york("2026-11-27T12:00"))
    assert session.close == utc("2026-11-27T18:00")
    assert session.phase(new_york("2026-11-27T13:00")) == "regular"
    assert session.phase(new_york("2026-11-27T13:00:01")) == "post"
    assert session.phase(new_york("2026-11-27T17:00")) == "closed"


@pytest.mark.parametrize("day", ["2026-11-26", "2026-11-28", "2026-12-25"])
def test_a_day_without_a_session_bears_its_own_date_and_nominal_hours(day: str) -> None:
    calendar = calendar_for("AAPL", "America/New_York")
    noon, close = new_york(f"{day}T12:00"), new_york(f"{day}T16:00")
    session = calendar.session_at(close)
    assert session.date == date.fromisoformat(day)
    assert (session.open, session.close) == (new_york(f"{day}T09:30"), close)
    assert not session.is_trading_day
    assert {session.phase(noon), session.phase(close)} == {"closed"}
    assert not calendar.is_open(noon)


def test_summer_time_moves_the_new_york_open_in_utc() -> None:
    calendar = calendar_for("AAPL", "America/New_York")
    opens = [calendar.session_on(date(2026, 3, day)).open for day in (6, 9)]
    assert opens == [utc("2026-03-06T14:30"), utc("2026-03-09T13:30")]


def test_opening_after_a_weekend_with_a_holiday() -> None:
    calendar = calendar_for("AAPL", "America/New_York")
    tuesday = utc("2026-01-20T14:30")  # Monday is Martin Luther King's day
    assert calendar.next_open(new_york("2026-01-16T16:00")) == tuesday
    assert calendar.next_open(new_york("2026-01-18T12:00")) == tuesday
    assert calendar.next_open(tuesday) == utc("2026-01-21T14:30")
    assert calendar.next_open(tuesday - timedelta(microseconds=1)) == tuesday


def test_lunch_in_hong_kong_belongs_to_the_session_but_the_market_is_closed() -> None:
    calendar = calendar_for("0700.HK", "Asia/Hong_Kong")
    lunch, end = utc("2026-11-20T04:30"), utc("2026-11-20T05:00")
    session = calendar.session_at(lunch)
    assert session.phase(lunch) == "regular"
    assert session.is_break(lunch)
    assert not session.is_break(end)
    assert calendar.market_state(lunch) == "CLOSED"
    assert calendar.market_state(end) == "REGULAR"
    assert calendar.next_open(lunch) == end
    assert calendar.next_open(end) == utc("2026-11-23T01:30")


def test_a_half_day_in_hong_kong_ends_at_noon_without_a_break() -> None:
    session = calendar_for("0700.HK", "Asia/Hong_Kong").session_on(date(2026, 12, 24))
    assert session.close == utc("2026-12-24T04:00")
    assert session.break_start is None
    assert not session.is_break(utc("2026-12-24T04:00"))


@pytest.mark.parametrize(
    ("symbol", "timezone", "print_at", "after"),
    [
        ("VOD.L", "Europe/London", "2026-11-20T16:35:20", "2026-11-20T16:40:01"),
        ("0700.HK", "Asia/Hong_Kong", "2026-11-20T08:08:31", "2026-11-20T08:10:01"),
    ],
)
def test_the_closing_auction_is_regular_trading(
    symbol: str, timezone: str, print_at: str, after: str
) -> None:
    session = calendar_for(symbol, timezone).session_at(utc(print_at))
    assert utc(print_at) > session.close
    assert session.phase(utc(print_at)) == "regular"
    assert session.phase(utc(after)) == "closed"


def test_crypto_trades_in_utc_days_without_an_end() -> None:
    calendar = calendar_for("BTC-USD", "UTC")
    saturday = calendar.session_at(utc("2026-11-21T23:59:59.999999"))
    sunday = calendar.session_at(utc("2026-11-22T00:00"))
    assert (saturday.date, sunday.date) == (date(2026, 11, 21), date(2026, 11, 22))
    assert (saturday.open, saturday.close) == (utc("2026-11-21T00:00"), sunday.open)
    assert calendar.is_open(sunday.open)
    assert calendar.next_open(sunday.open) == utc("2026-11-23T00:00")


@pytest.mark.parametrize(
    ("instant", "session_date", "phase"),
    [
        ("2026-11-22T16:59:59", "2026-11-22", "closed"),  # Sunday
        ("2026-11-22T17:00", "2026-11-23", "regular"),
        ("2026-11-23T16:59:59", "2026-11-23", "regular"),
        ("2026-11-23T17:00", "2026-11-24", "regular"),
        ("2026-11-25T18:00", "2026-11-26", "regular"),  # into Thanksgiving
        ("2026-11-27T17:00", "2026-11-27", "regular"),  # Friday's close
        ("2026-11-27T17:00:01", "2026-11-27", "closed"),
        ("2026-11-28T18:00", "2026-11-28", "closed"),  # Saturday
    ],
)
def test_currencies_roll_at_five_in_new_york(instant: str, session_date: str, phase: str) -> None:
    session = calendar_for("EURUSD=X", "Europe/London").session_at(new_york(instant))
    assert session.date == date.fromisoformat(session_date)
    assert session.phase(new_york(instant)) == phase


def test_the_currency_week_opens_on_sunday_and_keeps_new_york_time() -> None:
    calendar = calendar_for("EURUSD=X", None)
    assert calendar.next_open(new_york("2026-11-27T18:00")) == utc("2026-11-29T22:00")
    assert calendar.next_open(new_york("2026-07-03T18:00")) == utc("2026-07-05T21:00")
    monday = calendar.session_on(date(2026, 11, 30))
    assert (monday.open, monday.close) == (utc("2026-11-29T22:00"), utc("2026-11-30T22:00"))


def test_a_local_day_that_loses_an_hour_is_23_hours_long() -> None:
    session = calendar_for("SAP.DE", "Europe/Berlin").session_on(date(2026, 3, 29))
    assert session.open == utc("2026-03-28T23:00")
    assert session.close - session.open == timedelta(hours=23)


def test_outside_the_table_weekdays_are_sessions() -> None:
    calendar = calendar_for("AAPL", None)
    christmas = calendar.session_on(date(2040, 12, 25))
    assert christmas.is_trading_day
    assert christmas.close == utc("2040-12-25T21:00")
    assert not calendar.session_on(date(2040, 12, 22)).is_trading_day
    hong_kong = calendar_for("0005.HK", "Asia/Hong_Kong")
    assert hong_kong.session_on(date(1985, 6, 3)).open == utc("1985-06-03T02:00")


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        calendar_for("AAPL", None).session_at(datetime(2026, 11, 20, 12))  # noqa: DTZ001


@given(
    market=st.sampled_from(sorted(ALL_CALENDARS)),
    day=st.dates(min_value=date(1990, 1, 1), max_value=date(2036, 12, 31)),
)
def test_a_closing_instant_belongs_to_its_day(market: str, day: date) -> None:
    calendar = calendar_for(*ALL_CALENDARS[market])
    instant = calendar.closing_instant(day)
    assert calendar.session_at(instant).date == day
    assert calendar.session_on(day).close - instant <= timedelta(microseconds=1)


@given(
    market=st.sampled_from(sorted(ALL_CALENDARS)),
    instant=st.datetimes(
        min_value=datetime(1990, 1, 2),  # noqa: DTZ001
        max_value=datetime(2036, 12, 31),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
)
def test_session_dates_never_go_back_and_openings_lie_ahead(market: str, instant: datetime) -> None:
    calendar = calendar_for(*ALL_CALENDARS[market])
    session = calendar.session_at(instant)
    assert calendar.session_at(instant - timedelta(hours=1)).date <= session.date
    opening = calendar.next_open(instant)
    assert opening > instant
    assert calendar.is_open(opening)
    if calendar.is_open(instant):
        assert session.open <= instant <= session.regular_until
