"""Market hours by exchange: half days, holidays, summer time, markets without hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from producer.exchange_hours import ExchangeHours, hours_of
from producer.hours import Always, MarketHours
from producer.markets import _SUFFIXES, closing_time, market_of

# exchange_calendars 4.13 calls what pandas 3.1 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("symbol", "instant", "is_open"),
    [
        ("AAPL", "2026-11-20T14:29:59", False),
        ("AAPL", "2026-11-20T14:30:00", True),
        ("AAPL", "2026-11-20T21:05:00", True),  # closing prices come late
        ("AAPL", "2026-11-20T21:10:01", False),
        ("AAPL", "2026-11-26T15:00:00", False),  # Thanksgiving
        ("AAPL", "2026-11-27T17:59:00", True),  # a half day: 13:00
        ("AAPL", "2026-11-27T18:30:00", False),
        ("AAPL", "2026-07-01T13:30:00", True),  # summer time
        ("AAPL", "2026-07-01T20:30:00", False),
        ("AAPL", "2026-11-21T15:00:00", False),  # Saturday
        ("^GSPC", "2026-11-26T15:00:00", False),
        ("VOD.L", "2026-11-26T15:00:00", True),
        ("VOLV-B.ST", "2026-11-26T08:30:00", True),
        ("VOLV-B.ST", "2026-11-26T19:00:00", False),
        ("BMW.F", "2026-11-26T20:30:00", True),
        ("HIVE.V", "2026-11-26T15:00:00", True),
        ("VOD.L", "2026-11-20T07:59:00", False),
        ("VOD.L", "2026-07-01T07:00:00", True),
        ("0700.HK", "2026-11-20T01:30:00", True),
        ("0700.HK", "2026-11-20T09:00:00", False),
        ("BTC-USD", "2026-11-21T03:00:00", True),
        ("BTC-USD", "2026-12-25T03:00:00", True),
        ("EURUSD=X", "2026-11-20T03:00:00", True),
        ("EURUSD=X", "2026-11-21T12:00:00", False),
    ],
)
def test_an_exchange_is_open_when_its_calendar_says_so(
    symbol: str, instant: str, is_open: bool
) -> None:
    assert MarketHours().is_open(symbol, utc(instant)) is is_open


@pytest.mark.parametrize(
    ("symbols", "instant", "opens"),
    [
        (["AAPL"], "2026-11-25T22:00:00", "2026-11-27T14:30:00"),
        (["AAPL"], "2026-03-06T22:00:00", "2026-03-09T13:30:00"),  # clocks go forward
        (["AAPL"], "2026-12-31T22:00:00", "2027-01-04T14:30:00"),
        (["AAPL", "VOD.L"], "2026-11-25T22:00:00", "2026-11-26T08:00:00"),
        (["0700.HK"], "2026-11-20T09:00:00", "2026-11-23T01:30:00"),
    ],
)
def test_the_next_opening_is_the_first_of_all_exchanges(
    symbols: list[str], instant: str, opens: str
) -> None:
    assert MarketHours().next_open(symbols, utc(instant)) == utc(opens)


@pytest.mark.parametrize("symbol", ["RELIANCE.NS", "600519.SS"])
@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-11-20T05:00:00", True),
        ("2026-11-21T05:00:00", False),  # Saturday
        ("2028-11-20T05:00:00", True),  # beyond the holidays that are known
        ("2028-11-20T14:00:00", False),
        ("2028-11-18T05:00:00", False),
    ],
)
def test_weekdays_are_assumed_where_holidays_are_not_known(
    symbol: str, instant: str, is_open: bool
) -> None:
    assert MarketHours().is_open(symbol, utc(instant)) is is_open


def test_assumed_hours_open_on_the_next_weekday() -> None:
    hours = MarketHours()
    assert hours.next_open(["RELIANCE.NS"], utc("2028-11-17T12:00:00")) == utc(
        "2028-11-20T03:45:00"
    )
    assert hours.next_open(["RELIANCE.NS", "AAPL"], utc("2026-12-31T23:00:00")) == utc(
        "2027-01-01T03:45:00"
    )


def test_assumed_hours_are_said_once() -> None:
    said: list[str] = []
    hours = MarketHours(said.append)
    hours.is_open("RELIANCE.NS", utc("2026-11-20T05:00:00"))
    assert said == []
    for _ in range(3):
        hours.is_open("RELIANCE.NS", utc("2028-11-20T05:00:00"))
    assert said == [
        "XBOM: holidays after 2026-12-31 are not known; every weekday counts as a session"
    ]


def test_an_exchange_that_fails_touches_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(name: str, year: int) -> ExchangeHours:
        if name == "XLON":
            raise RuntimeError("broken")
        return hours_of(name, year)

    monkeypatch.setattr("producer.hours.hours_of", failing)
    said: list[str] = []
    hours = MarketHours(said.append)
    sunday = utc("2026-11-22T05:00:00")
    assert hours.is_open("VOD.L", sunday)
    assert not hours.is_open("AAPL", sunday)
    assert said == ["XLON: its hours are not known (broken); it counts as open"]


@pytest.mark.parametrize("suffix", _SUFFIXES)
def test_every_market_has_hours_in_years_to_come(suffix: str) -> None:
    said: list[str] = []
    hours = MarketHours(said.append)
    end = datetime(2028, 12, 31, 23, tzinfo=UTC)
    assert end < hours.next_open([f"X{suffix}"], end) < end + timedelta(days=6)
    assert not any("counts as open" in message for message in said)


def test_hours_can_be_ignored() -> None:
    now = utc("2026-11-21T15:00:00")
    assert Always().is_open("AAPL", now)
    assert Always().next_open(["AAPL"], now) == now


def test_symbols_know_their_time_zone() -> None:
    zones = {
        name: market_of(name).timezone
        for name in ("AAPL", "VOD.L", "7203.T", "ETH-EUR", "BRK.B", "PETR4.SA")
    }
    assert zones == {
        "AAPL": "America/New_York",
        "VOD.L": "Europe/London",
        "7203.T": "Asia/Tokyo",
        "ETH-EUR": "UTC",
        "BRK.B": "America/New_York",
        "PETR4.SA": "America/Sao_Paulo",
    }


def test_the_nominal_close_follows_summer_time() -> None:
    assert closing_time("AAPL", date(2026, 7, 1)) == utc("2026-07-01T20:00:00")
    assert closing_time("AAPL", date(2026, 11, 27)) == utc("2026-11-27T21:00:00")
