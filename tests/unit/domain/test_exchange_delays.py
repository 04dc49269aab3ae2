"""Exchanges that Yahoo delays: their alerts, polling, history and labels."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from chalicelib.domain.exchange_delays import _MINUTES, exchange_delay, source_delay
from chalicelib.domain.times import to_text
from chalicelib.services.market_data.freshness import (
    CLOSED_CACHE_SECONDS,
    OPEN_CACHE_SECONDS,
    label,
)
from producer.hours import MarketHours
from producer.markets import _SUFFIXES
from producer.sources import yahoo
from tests.factories import make_rule, make_tick
from tests.unit.domain.watched import Watched

# exchange_calendars 4.13 calls what pandas 3.1 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")

LONDON: dict[str, Any] = {
    "symbol": "VOD.L",
    "exchange_timezone": "Europe/London",
    "source": "yfinance",
}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("symbol", "minutes"),
    [
        ("AAPL", 0),
        ("BRK-B", 0),
        ("^GSPC", 0),
        ("BTC-USD", 0),
        ("EURUSD=X", 0),
        ("VOLV-B.ST", 0),
        ("ES=F", 10),
        ("CL=F", 30),
        ("RELIANCE.NS", 0),
        ("0700.HK", 15),
        ("^HSI", 15),
        ("SAP.DE", 15),
        ("VOD.L", 20),
        ("BT-A.L", 20),
        ("7203.T", 20),
        ("600519.SS", 30),
    ],
)
def test_the_delay_of_a_symbols_exchange(symbol: str, minutes: int) -> None:
    assert exchange_delay(symbol) == timedelta(minutes=minutes)
    for source in ("yfinance", "yfinance-live"):
        assert source_delay(symbol, source) == timedelta(minutes=minutes)
    assert source_delay(symbol, "replay") == timedelta()


def test_every_exchange_that_is_polled_by_its_suffix_has_a_delay() -> None:
    delayed = {suffix for suffix in _SUFFIXES if exchange_delay(f"X{suffix}")}
    assert set(_SUFFIXES) - delayed == {"=X", ".BO", ".CO", ".HE", ".IC", ".NS", ".ST"}


@pytest.mark.parametrize(
    ("symbol", "source", "age_minutes", "quiet"),
    [
        ("0700.HK", "yfinance", 15.1, ""),
        ("0700.HK", "yfinance", 30, ""),
        ("0700.HK", "yfinance", 30.1, "old"),
        ("VOD.L", "yfinance", 20, ""),
        ("7203.T", "yfinance-live", 34, ""),
        ("600519.SS", "yfinance", 46, "old"),
        ("VOD.L", "my-feed", 20, "old"),
        ("AAPL", "yfinance", 15.1, "old"),
        ("AAPL", "yfinance", 15, ""),
    ],
)
def test_an_alert_is_old_only_beyond_its_exchanges_delay(
    symbol: str, source: str, age_minutes: float, quiet: str
) -> None:
    watched = Watched(make_rule("greater_than", symbol="*", value=100))
    made = to_text(watched.now - timedelta(minutes=age_minutes))
    watched.feed([make_tick(101, timestamp=made, symbol=symbol, source=source, mode="live")])
    (alert,) = watched.fired(symbol)
    assert alert.quiet == quiet
    assert watched.sent == int(not quiet)


@pytest.mark.parametrize(
    ("symbol", "close", "minutes"),
    [
        ("AAPL", "2026-11-19T21:00", 10),
        ("0700.HK", "2026-11-19T08:00", 25),
        ("VOD.L", "2026-11-19T16:30", 30),
        ("VOD.L", "2026-12-24T12:30", 30),  # a half day
        ("7203.T", "2026-11-19T06:30", 30),
        ("600519.SS", "2026-11-19T07:00", 40),
        ("D05.SI", "2026-11-19T09:00", 30),
        ("VOLV-B.ST", "2026-11-19T16:30", 10),
    ],
)
def test_polling_ends_when_the_last_prices_have_come(symbol: str, close: str, minutes: int) -> None:
    hours = MarketHours()
    last = utc(close) + timedelta(minutes=minutes)
    assert hours.is_open(symbol, last - timedelta(seconds=1))
    assert not hours.is_open(symbol, last + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("symbol", "zone", "now", "ended"),
    [
        ("VOD.L", "Europe/London", "2026-11-19T16:31", False),
        ("VOD.L", "Europe/London", "2026-11-19T16:59", False),  # the auction's price is to come
        ("VOD.L", "Europe/London", "2026-11-19T17:01", True),
        ("0700.HK", "Asia/Hong_Kong", "2026-11-19T08:24", False),
        ("0700.HK", "Asia/Hong_Kong", "2026-11-19T08:26", True),
        ("AAPL", "America/New_York", "2026-11-19T21:01", True),
    ],
)
def test_a_day_has_ended_when_its_last_price_has_come(
    symbol: str, zone: str, now: str, ended: bool
) -> None:
    day = pd.Timestamp("2026-11-19", tz=zone)
    assert yahoo._has_ended(symbol, "1d", day, utc(now)) is ended


@pytest.mark.parametrize(
    ("symbol", "now", "ended"),
    [
        ("VOD.L", "2026-11-19T10:20:59", False),
        ("VOD.L", "2026-11-19T10:21:00", True),
        ("AAPL", "2026-11-19T10:01:00", True),
    ],
)
def test_a_minute_has_ended_when_its_last_price_has_come(
    symbol: str, now: str, ended: bool
) -> None:
    start = pd.Timestamp("2026-11-19T10:00", tz="UTC")
    assert yahoo._has_ended(symbol, "1m", start, utc(now)) is ended


@pytest.mark.parametrize(
    ("fields", "age_minutes", "stale", "late"),
    [
        (LONDON, 21, False, 1200),
        (LONDON, 26, True, 1200),
        ({**LONDON, "source": "my-feed"}, 21, True, 0),
        ({"source": "yfinance"}, 4, False, 0),
        ({"source": "yfinance"}, 6, True, 0),
    ],
)
def test_a_delayed_price_is_labelled_and_stale_only_beyond_its_delay(
    fields: dict[str, Any], age_minutes: int, stale: bool, late: int
) -> None:
    now = utc("2026-11-19T15:30")
    tick = make_tick(100, timestamp=to_text(now - timedelta(minutes=age_minutes)), **fields)
    labels = label(tick.symbol, tick, now)
    assert labels.is_stale is stale
    assert (labels.exchange_delay_seconds, labels.delay_seconds) == (late, age_minutes * 60)


@pytest.mark.parametrize(
    ("now", "seconds"),
    [("2026-11-19T16:59", OPEN_CACHE_SECONDS), ("2026-11-19T17:01", CLOSED_CACHE_SECONDS)],
)
def test_answers_are_kept_long_only_after_the_last_prices_have_come(now: str, seconds: int) -> None:
    tick = make_tick(100, timestamp="2026-11-19T16:30:00.000000Z", **LONDON)
    labels = label("VOD.L", tick, utc(now))
    assert (labels.market_state, labels.cache_seconds) == ("CLOSED", seconds)


def test_the_docs_list_every_delay() -> None:
    text = Path("docs/alerts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([0-9]+) minutes \| (.*) \|$", text, re.MULTILINE)
    listed = {int(minutes): set(re.findall(r"`([^`]+)`", names)) for minutes, names in rows}
    assert listed == {minutes: set(names) for minutes, names in _MINUTES.items()}
