"""Symbols that should trade and are silent: which, since when, and who is told."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import bootstrap, handlers
from chalicelib.domain.detection import State
from chalicelib.domain.silence import LOOKED_BACK, silent_minutes
from chalicelib.domain.times import EPOCH, to_text
from chalicelib.domain.trading_minutes import trading_hours
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.services.symbols.silence import (
    EVERY,
    LEFT_AFTER_MINUTES,
    MOST_CHECKED,
    SilenceCheck,
)
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import LambdaContext, make_tick
from tests.fakes import fake_stores

NEW_YORK, TOKYO, HONG_KONG = "America/New_York", "Asia/Tokyo", "Asia/Hong_Kong"
AFTER = 900


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stamp(text: str) -> str:
    return to_text(utc(text))


@pytest.mark.parametrize(
    ("symbol", "zone", "since", "now", "minutes"),
    [
        ("AAPL", NEW_YORK, "2026-11-20T15:00", "2026-11-20T15:31", 30),
        ("AAPL", NEW_YORK, "2026-11-19T20:59", "2026-11-20T14:45", 15),  # since the open
        ("AAPL", NEW_YORK, "2026-11-19T20:59", "2026-11-20T14:29", 0),  # before it
        ("AAPL", NEW_YORK, "2026-11-20T20:00", "2026-11-20T21:00", 0),  # at the close
        ("AAPL", NEW_YORK, "2026-11-27T17:00", "2026-11-27T18:30", 0),  # after an early close
        ("AAPL", NEW_YORK, "2026-11-25T20:59", "2026-11-26T16:00", 0),  # Thanksgiving
        ("AAPL", None, "2026-11-20T20:59", "2026-11-21T16:00", 0),  # a Saturday
        ("7203.T", TOKYO, "2026-11-20T02:00", "2026-11-20T03:00", 0),  # in the lunch break
        ("7203.T", TOKYO, "2026-11-20T02:00", "2026-11-20T03:40", 39),  # the break does not count
        ("0700.HK", HONG_KONG, "2026-11-20T03:49", "2026-11-20T05:05", 15),
        ("BTC-USD", "UTC", "2026-11-21T23:50", "2026-11-22T00:20", 29),
        ("EURUSD=X", "Europe/London", "2026-11-20T20:00", "2026-11-21T12:00", 0),
        ("VOLV-B.ST", "Europe/Stockholm", "2026-11-20T08:00", "2026-11-20T12:00", 0),  # unknown
        ("X", "No/Such", "2026-11-20T08:00", "2026-11-20T12:00", 0),
    ],
)
def test_minutes_of_silence_are_those_of_trading(
    symbol: str, zone: str | None, since: str, now: str, minutes: int
) -> None:
    assert silent_minutes(symbol, zone, "alpaca", stamp(since), utc(now)) == minutes


def test_a_source_that_is_late_is_silent_later() -> None:
    given = "VOD.L", "Europe/London", "yfinance", stamp("2026-11-20T10:00")
    assert silent_minutes(*given, utc("2026-11-20T10:21")) == 0
    assert silent_minutes(*given, utc("2026-11-20T10:36")) == 15


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        [("A", NEW_YORK), ("B", HONG_KONG), ("C", TOKYO), ("D", "UTC"), ("EUR=X", None)]
    ),
    st.integers(0, 4000),
    st.integers(0, 20_000),
)
def test_silence_is_counted_minute_by_minute(
    named: tuple[str, str | None], back: int, ahead: int
) -> None:
    now = utc("2026-11-20T00:00") + timedelta(minutes=ahead)
    since = now - timedelta(minutes=back)
    hours, end = trading_hours(*named), (now - EPOCH) // timedelta(minutes=1)

    def trades(minute: int) -> bool:
        return bool(list(hours.stretches(minute, minute + 1)))

    expected = sum(map(trades, range(end - back + 1, end))) if trades(end) else 0
    assert back < LOOKED_BACK
    assert silent_minutes(*named, "alpaca", to_text(since), now) == expected


class Market:
    """Stores with symbols, and a check whose clock may be moved."""

    def __init__(self, now: str = "2026-11-20T16:00") -> None:
        self.stores: Any = fake_stores()
        self.now = utc(now)
        self.check = SilenceCheck(self.stores, lambda: self.now, AFTER)

    def priced(
        self, symbol: str, last: str, zone: str = NEW_YORK, *, tracked: bool = False
    ) -> None:
        tick = make_tick(1, symbol=symbol, timestamp=stamp(last), exchange_timezone=zone)
        self.stores.state.put(State(symbol=symbol, last=tick))
        self.listed(symbol, last, "seen")
        if tracked:
            self.listed(symbol, last, "tracked")

    def listed(self, symbol: str, added: str, name: str) -> None:
        self.stores.symbols.put(name, SymbolEntry(symbol=symbol, added_at=stamp(added)))

    def silent(self) -> list[tuple[str, int]]:
        return [(one.symbol, one.minutes) for one in self.check()]


def test_the_longest_silence_comes_first() -> None:
    market = Market()
    market.priced("BRIEF", "2026-11-20T15:50")
    market.priced("LONG", "2026-11-20T15:00")
    market.priced("LONGER", "2026-11-20T14:40")
    market.priced("TOKYO", "2026-11-20T05:00", TOKYO)
    assert market.silent() == [("LONGER", 79), ("LONG", 59)]


def test_a_symbol_that_nobody_tracks_is_left_after_a_session() -> None:
    market = Market()
    for symbol, tracked in (("OLD", False), ("TRACKED", True)):
        market.priced(symbol, "2026-11-18T16:00", tracked=tracked)
    market.priced("YESTERDAY", "2026-11-19T16:00")
    assert market.silent() == [("TRACKED", 90 + 390 + 299), ("YESTERDAY", 90 + 299)]
    assert LEFT_AFTER_MINUTES == 390


def test_a_tracked_symbol_without_a_price_is_silent_from_then_on() -> None:
    market = Market()
    market.listed("NEW", "2026-11-20T15:30", "tracked")
    market.listed("BARS", "2026-11-20T15:30", "seen")
    market.priced("AGAIN", "2026-11-10T15:30")
    market.listed("AGAIN", "2026-11-20T15:50", "tracked")
    assert market.silent() == [("NEW", 29)]


def test_a_market_that_has_closed_is_not_silent() -> None:
    market = Market("2026-11-20T21:30")
    market.priced("A", "2026-11-20T15:00", tracked=True)
    assert market.silent() == []


def test_no_silence_is_found_where_that_is_switched_off() -> None:
    market = Market()
    market.priced("A", "2026-11-20T15:00")
    assert SilenceCheck(market.stores, lambda: market.now, 0)() == []


def test_only_so_many_symbols_are_checked_and_the_tracked_ones_first() -> None:
    market = Market()
    for number in range(MOST_CHECKED + 10):
        market.priced(f"S{number:03}", "2026-11-20T15:00")
    market.priced("Z", "2026-11-20T14:59", tracked=True)
    found = market.silent()
    assert (len(found), found[0]) == (MOST_CHECKED, ("Z", 60))


def test_it_is_due_once_in_five_minutes(caplog: pytest.LogCaptureFixture) -> None:
    market = Market()
    market.priced("A", "2026-11-20T15:00")
    found = []
    for _ in range(11):
        found.append(market.check.due())
        market.now += EVERY / 5
    assert [one is not None for one in found] == [False] * 5 + [True] + [False] * 4 + [True]


def test_an_error_costs_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    market = Market()
    monkeypatch.setattr(market.stores.symbols, "page", None)
    market.now += EVERY
    assert market.check.due() is None
    assert "silent symbols cannot be looked for" in caplog.text


def test_detect_counts_them_after_its_batch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [utc("2026-11-20T16:00")]
    services = bootstrap.Services(SETTINGS, lambda: now[0], Aws())
    monkeypatch.setattr(bootstrap, "get_services", lambda: services)
    entry = SymbolEntry(symbol="AAPL", added_at=stamp("2026-11-20T15:00"))
    services.stores.symbols.put("tracked", entry)
    caplog.set_level(logging.INFO, "ticktape.metrics")

    def counted() -> list[dict[str, Any]]:
        handlers.detect({"Records": []}, LambdaContext())
        lines = [msgspec.json.decode(record.message) for record in caplog.records]
        return [line for line in lines if "SilentSymbols" in line]

    assert counted() == []
    now[0] += EVERY
    (line,) = counted()
    assert (line["SilentSymbols"], line["silent"], line["function"]) == (1, "AAPL", "detect")
