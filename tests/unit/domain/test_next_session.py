"""The trading day after a session, read off wall calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import to_text
from tests.factories import make_rule, make_tick
from tests.unit.domain.watched import Watched

ZONES = {
    "AAPL": "America/New_York",
    "VOD.L": "Europe/London",
    "0700.HK": "Asia/Hong_Kong",
    "7203.T": "Asia/Tokyo",
    "SAP.DE": "Europe/Berlin",
    "SHOP.TO": "America/Toronto",
    "VOLV-B.ST": "Europe/Stockholm",
    "BTC-USD": "UTC",
    "EURUSD=X": "Europe/London",
    "ES=F": "America/New_York",
}


@pytest.mark.parametrize(
    ("symbol", "day", "following"),
    [
        ("AAPL", "2026-11-17", "2026-11-18"),
        ("AAPL", "2026-11-20", "2026-11-23"),  # Friday
        ("AAPL", "2026-11-25", "2026-11-27"),  # Thanksgiving lies between
        ("AAPL", "2026-11-27", "2026-11-30"),  # a half day before a weekend
        ("AAPL", "2026-03-06", "2026-03-09"),  # clocks go forward
        ("AAPL", "2026-11-21", "2026-11-23"),  # a Saturday, as recordings have it
        ("VOD.L", "2026-12-24", "2026-12-29"),
        ("0700.HK", "2026-11-19", "2026-11-20"),  # over a lunch break
        ("0700.HK", "2026-02-16", "2026-02-20"),  # a half day before the lunar New Year
        ("7203.T", "2026-11-17", "2026-11-18"),
        ("7203.T", "2026-11-20", "2026-11-24"),  # Monday is Labour Thanksgiving Day
        ("SAP.DE", "2026-11-17", "2026-11-18"),
        ("SAP.DE", "2026-11-20", "2026-11-23"),
        ("SAP.DE", "2026-12-30", "2027-01-04"),
        ("SAP.DE", "2026-03-27", "2026-03-30"),  # clocks go forward
        ("SAP.DE", "2026-10-23", "2026-10-26"),  # clocks go back
        ("SHOP.TO", "2026-11-20", "2026-11-23"),
        ("VOLV-B.ST", "2026-11-17", "2026-11-18"),
        ("VOLV-B.ST", "2026-11-20", "2026-11-23"),
        ("BTC-USD", "2026-11-17", "2026-11-18"),
        ("BTC-USD", "2026-11-20", "2026-11-21"),
        ("BTC-USD", "2026-12-24", "2026-12-25"),
        ("ES=F", "2026-11-17", "2026-11-18"),
        ("ES=F", "2026-11-20", "2026-11-23"),
        ("ES=F", "2026-03-06", "2026-03-09"),  # clocks go forward
        ("EURUSD=X", "2026-11-17", "2026-11-18"),
        ("EURUSD=X", "2026-11-20", "2026-11-23"),
        ("EURUSD=X", "2026-12-24", "2026-12-25"),
    ],
)
def test_the_next_session_of(symbol: str, day: str, following: str) -> None:
    calendar = calendar_for(symbol, ZONES[symbol])
    session = calendar.session_on(date.fromisoformat(day))
    assert calendar.next_session(session) == calendar.session_on(date.fromisoformat(following))


def test_weekdays_are_assumed_where_holidays_are_not_known() -> None:
    calendar = calendar_for("RELIANCE.NS", "Asia/Kolkata")
    friday = calendar.session_on(date(2030, 11, 15))
    assert calendar.next_session(friday).date == date(2030, 11, 18)


@pytest.mark.parametrize(
    ("symbol", "last", "first"),
    [
        ("AAPL", "2026-11-20T21:00", "2026-11-23T14:30"),
        ("VOD.L", "2026-11-20T16:30", "2026-11-23T08:00"),
        ("7203.T", "2026-11-17T06:30", "2026-11-18T00:00"),
        ("7203.T", "2026-11-20T06:30", "2026-11-24T00:00"),
        ("SAP.DE", "2026-11-17T16:30", "2026-11-18T08:00"),
        ("SAP.DE", "2026-11-20T16:30", "2026-11-23T08:00"),
        ("SHOP.TO", "2026-11-20T21:00", "2026-11-23T14:30"),
    ],
)
def test_a_split_overnight_or_over_a_weekend_alerts_nobody(
    symbol: str, last: str, first: str
) -> None:
    def tick(price: int, at: str, previous_close: int) -> None:
        instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
        watched.feed(
            [
                make_tick(
                    price,
                    timestamp=to_text(instant),
                    previous_close=previous_close,
                    symbol=symbol,
                    exchange_timezone=ZONES[symbol],
                    market_state="REGULAR",
                )
            ]
        )

    watched = Watched(make_rule("crossing_down", symbol="*", value=500))
    tick(1000, last, 1001)
    tick(201, first, 200)
    state = watched.stores.state.get(symbol)
    assert state is not None
    assert state.split is not None
    assert (state.split.numerator, state.split.denominator) == (5, 1)
    assert watched.fired(symbol) == []
