"""When a standby may take over, and when the first source gets its symbol back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.sources import Sources, Switch, parse_sources
from chalicelib.domain.standby import (
    DWELL_SECONDS,
    NotNow,
    Standby,
    claimed,
    parse_standby,
    silence,
)
from tests.factories import at, instant, make_tick

STANDBY = Standby("alpaca", "yfinance", 300)
NEW_YORK = "America/New_York"
FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)


def test_a_standby_is_read_as_it_is_written() -> None:
    assert parse_standby(STANDBY.text()) == STANDBY
    for text in (None, "", "300,alpaca", "x,alpaca,yfinance", "300,alpaca,yfinance,more"):
        assert parse_standby(text) is None


def test_a_standby_takes_over_after_the_silence_and_the_first_source_returns() -> None:
    known = Sources("alpaca")
    with pytest.raises(NotNow, match="alpaca had a price 299 s ago"):
        claimed(known, STANDBY, "yfinance", 299.4, instant(0))
    with pytest.raises(NotNow, match="closed"):
        claimed(known, STANDBY, "yfinance", None, instant(0))
    known = claimed(known, STANDBY, "yfinance-live", 300, instant(1))
    assert known.text() == f"alpaca,{at(420)} yfinance;silent"
    assert claimed(known, STANDBY, "yfinance", 0, instant(2)) == known
    returned = 420 + DWELL_SECONDS - 360
    with pytest.raises(NotNow, match="half an hour"):
        claimed(known, STANDBY, "alpaca", 0, instant(returned - 61))
    known = claimed(known, STANDBY, "alpaca", None, instant(returned))
    assert known.text() == f"alpaca,{at(420)} yfinance;silent,{at(2220)} alpaca;steady"
    assert parse_sources(known.text()) == known
    with pytest.raises(NotNow, match="half an hour"):
        claimed(known, STANDBY, "yfinance", 900, instant(2220 + DWELL_SECONDS - 421))


def test_a_switch_that_is_planned_by_a_request_stays() -> None:
    known = parse_sources(f"yfinance,{at(86_400)} alpaca")
    with pytest.raises(NotNow, match="half an hour"):
        claimed(known, STANDBY, "yfinance", 10_000, instant(0))


def test_a_series_of_a_third_source_is_not_claimed() -> None:
    with pytest.raises(NotNow, match="coinbase"):
        claimed(Sources("coinbase"), STANDBY, "yfinance", 10_000, instant(0))


def test_a_series_without_a_source_begins_with_the_standby() -> None:
    assert claimed(Sources(None), STANDBY, "yfinance", 300, instant(0)) == Sources("yfinance")


def test_a_standby_leaves_room_for_switches_by_request() -> None:
    known, now = Sources("alpaca"), 0.0
    with pytest.raises(NotNow, match="for requests"):  # noqa: PT012 - the last one raises
        while True:
            now += 2 * DWELL_SECONDS
            other = "yfinance" if known.last == "alpaca" else "alpaca"
            known = claimed(known, STANDBY, other, 1000, instant(now))
    assert 30 < len(known.switches) < 45
    for n in range(10):
        now += 2 * DWELL_SECONDS
        text = f"{known.text()},{at(now - now % 60)} {('alpaca', 'yfinance')[n % 2]}"
        known = parse_sources(text)


@pytest.mark.parametrize(
    ("last", "now", "found"),
    [
        ("2026-11-19T20:59:00Z", "14:29:00", None),  # before the open
        ("2026-11-19T20:59:00Z", "14:31:00", 60),  # counts from the open
        ("2026-11-20T15:00:00Z", "15:04:00", 240),
        ("2026-11-20T15:00:00Z", "21:30:00", None),  # after the close
        (None, "14:31:00", 60),
    ],
)
def test_silence_is_counted_in_new_yorks_hours(
    last: str | None, now: str, found: float | None
) -> None:
    moment = datetime.fromisoformat(f"2026-11-20T{now}+00:00")
    tick = last and make_tick(
        timestamp=last, symbol="AAPL", source="alpaca", exchange_timezone=NEW_YORK
    )
    added_at = "2026-11-01T00:00:00.000000Z"
    assert silence("AAPL", tick or None, Sources("alpaca"), added_at, moment) == found


def test_silence_is_counted_all_day_where_the_market_never_closes() -> None:
    tick = make_tick(
        timestamp="2026-11-19T23:59:00.000000Z",
        symbol="BTC-USD",
        source="coinbase",
        exchange_timezone="UTC",
    )
    known = Sources("coinbase")
    assert silence("BTC-USD", tick, known, at(), FRIDAY + timedelta(minutes=3)) == 240
    assert silence("BTC-USD", None, known, at(), instant(90)) == 90


def test_a_price_that_its_source_delays_counts_from_when_it_comes() -> None:
    tick = make_tick(
        timestamp="2026-11-20T10:00:00.000000Z",
        symbol="SAP.DE",
        source="yfinance",
        exchange_timezone="Europe/Berlin",
    )
    now = datetime(2026, 11, 20, 10, 20, tzinfo=UTC)
    assert silence("SAP.DE", tick, Sources("yfinance"), at(), now) == 300


@pytest.mark.parametrize(("minute", "found"), [(10, -1200), (29, -60), (30, 0), (35, 300)])
def test_silence_begins_with_the_source_in_force_and_counts_its_delay(
    minute: int, found: float
) -> None:
    """Yahoo's prices of Zurich come 30 minutes late: after a return the newest is still the
    standby's, which comes at once."""
    back = "2026-11-20T10:00:00.000000Z"
    known = Sources("yfinance", (Switch(back, "yfinance", "steady"),))
    tick = make_tick(
        timestamp="2026-11-20T09:59:00.000000Z",
        symbol="NESN.SW",
        source="alpaca",
        exchange_timezone="Europe/Zurich",
    )
    now = datetime(2026, 11, 20, 10, minute, tzinfo=UTC)
    assert silence("NESN.SW", tick, known, at(), now) == found


@pytest.mark.parametrize(
    ("symbol", "source", "zone", "last", "now", "found"),
    [
        ("7203.T", "alpaca", "Asia/Tokyo", "20T02:00", "20T21:00", None),  # 06:00 in Tokyo
        ("7203.T", "alpaca", "Asia/Tokyo", "20T02:00", "21T02:00", None),  # a Saturday
        ("7203.T", "alpaca", "Asia/Tokyo", "20T02:29", "20T03:00", None),  # at lunch
        ("7203.T", "alpaca", "Asia/Tokyo", "20T02:29", "20T03:34", 240),  # from 12:30 on
        ("0005.HK", "alpaca", "Asia/Hong_Kong", "20T03:59", "20T05:01", 60),  # from 13:00 on
        ("BP.L", "yfinance", "Europe/London", "19T16:29", "20T08:05", None),  # comes 20 min late
        ("BP.L", "yfinance", "Europe/London", "19T16:29", "20T08:24", 240),
        ("X", "alpaca", "Asia/Kathmandu", "20T06:00", "20T07:00", None),  # in no table
    ],
)
def test_silence_is_counted_in_the_hours_of_each_exchange(
    symbol: str, source: str, zone: str, last: str, now: str, found: float | None
) -> None:
    tick = make_tick(
        timestamp=f"2026-11-{last}:00.000000Z", symbol=symbol, source=source, exchange_timezone=zone
    )
    moment = datetime.fromisoformat(f"2026-11-{now}:00+00:00")
    assert silence(symbol, tick, Sources(source), at(), moment) == found


def test_no_list_ends_with_the_standby_when_its_room_is_used_up() -> None:
    known, now, refused = Sources("alpaca"), 0.0, 0
    while refused < 5:
        now += 2 * DWELL_SECONDS
        other = "yfinance" if known.last == "alpaca" else "alpaca"
        try:
            known = claimed(known, STANDBY, other, 1000, instant(now))
        except NotNow:
            assert other == "yfinance"
            refused += 1
    assert known.last == "alpaca"


def test_a_claim_cannot_name_the_source_otherwise() -> None:
    spelled = claimed(Sources("alpaca"), STANDBY, "yfinance (call 0900-666)", 300, instant(0))
    assert spelled.last == "yfinance"
    begun = claimed(Sources(None), STANDBY, "yfinance (call 0900-666)", 300, instant(0))
    assert begun == Sources("yfinance")
