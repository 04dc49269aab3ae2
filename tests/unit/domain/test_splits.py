"""Splits: seen in the previous close, recorded, never alerted on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from chalicelib.domain.rules import default_rules
from chalicelib.domain.splits import Split, adjusted_closes, find_split
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from tests.factories import make_rule, make_tick
from tests.unit.domain.watched import Watched

THURSDAY = datetime(2026, 11, 19, 21, 0, tzinfo=UTC)
FRIDAY = THURSDAY + timedelta(days=1)


def session(
    end: datetime, prices: list[object], previous_close: object, **fields: Any
) -> list[Tick]:
    """A tick a minute, the last one at `end`."""
    start = end - timedelta(minutes=len(prices) - 1)
    return [
        make_tick(
            price,
            timestamp=to_text(start + timedelta(minutes=i)),
            previous_close=previous_close,
            **fields,
        )
        for i, price in enumerate(prices)
    ]


def noted(watched: Watched, symbol: str = "AAPL") -> Split | None:
    """The split in the symbol's state."""
    state = watched.stores.state.get(symbol)
    assert state is not None
    return state.split


@pytest.mark.parametrize(
    ("last", "previous", "ratio"),
    [
        ("400", "100", Fraction(4)),
        ("400", "101.5", Fraction(4)),
        ("1208.88", "120.89", Fraction(10)),
        ("150", "100", Fraction(3, 2)),
        ("125", "100", Fraction(5, 4)),
        ("2.00", "20.00", Fraction(1, 10)),
        ("100", "200", Fraction(1, 2)),
    ],
)
def test_known_ratios_are_seen(last: str, previous: str, ratio: Fraction) -> None:
    split = find_split("2026-11-20", Decimal(last), Decimal(previous))
    assert split is not None
    assert Fraction(split.numerator, split.denominator) == ratio


@pytest.mark.parametrize(
    ("last", "previous"),
    [("100", "100"), ("100", "97.5"), ("100", "92.5"), ("100", "62"), ("7", "1.1")],
)
def test_dividends_and_plain_jumps_are_not_splits(last: str, previous: str) -> None:
    assert find_split("2026-11-20", Decimal(last), Decimal(previous)) is None


def test_split_is_recorded_and_fires_nothing() -> None:
    rules = (
        *default_rules(3, 9, Decimal(5)),
        make_rule("crossing_down", rule_id="level", value=200),
        make_rule("moving_percent", rule_id="move", value=10, window=3),
    )
    watched = Watched(*rules)
    watched.feed(session(THURSDAY, [400 + i for i in range(15)], 400))
    assert watched.fired() == []
    watched.feed(session(FRIDAY, [Decimal(415 + i) / 4 for i in range(15)], "103.5"))
    assert watched.fired() == []
    line = watched.stores.symbols.find("AAPL")
    assert line is not None
    assert (line.split_date, line.split_ratio) == ("2026-11-20", "4:1")


def test_a_real_crash_of_the_same_size_alerts() -> None:
    watched = Watched(*default_rules(5, 20, Decimal(5)))
    watched.feed(session(THURSDAY, [400] * 25, 400))
    watched.feed(session(FRIDAY, [100], 400))
    assert [alert.condition for alert in watched.fired()] == ["change_percent"]


def test_a_jump_over_a_gap_in_collection_is_not_a_split() -> None:
    watched = Watched(make_rule("crossing_down", value=200))
    watched.feed(session(THURSDAY - timedelta(days=7), [400], 400))
    watched.feed(session(FRIDAY, [100], 100))
    assert [alert.condition for alert in watched.fired()] == ["crossing_down"]


def test_closes_from_before_are_counted_as_after() -> None:
    split = Split("2026-11-20", 4, 1, Decimal(400))
    rows = [
        ("2026-11-18", Decimal(396)),
        ("2026-11-19", Decimal(400)),
        ("2026-11-20", Decimal(101)),
    ]
    assert adjusted_closes(rows, [split]) == [99, 100, 101]


def test_history_that_was_replaced_is_taken_as_it_is() -> None:
    split = Split("2026-11-20", 4, 1, Decimal(400))
    rows = [("2026-11-18", Decimal(99)), ("2026-11-19", Decimal(100)), ("2026-11-20", Decimal(101))]
    assert adjusted_closes(rows, [split]) == [99, 100, 101]


def test_rules_on_daily_bars_do_not_see_a_split_as_a_cross() -> None:
    watched = Watched(make_rule("death_cross", value=None, fast=2, slow=4, interval="1d"))
    day = datetime(2026, 11, 9, 21, 0, tzinfo=UTC)
    for i, price in enumerate([400, 404, 408, 412, 416]):
        watched.feed(session(day + timedelta(days=i), [price], 400 if i == 0 else price - 4))
    monday = datetime(2026, 11, 16, 21, 0, tzinfo=UTC)
    for i, price in enumerate([105, 106, 107]):
        watched.feed(session(monday + timedelta(days=i), [price], 104 if i == 0 else price - 1))
    assert watched.fired() == []


def test_a_fall_in_an_uncollected_half_day_is_not_a_split() -> None:
    """Prices stop at noon, a profit warning follows, and the session closes 25% lower."""
    watched = Watched(make_rule("crossing_down", value=90))
    watched.feed(session(THURSDAY - timedelta(hours=4), [100, 100], 101))
    watched.feed(session(FRIDAY, [74, Decimal("74.5")], 75))
    assert noted(watched) is None
    assert [str(alert.price) for alert in watched.fired()] == ["74"]


@pytest.mark.parametrize(
    ("symbol", "zone", "stopped", "close", "went_on"),
    [
        ("AAPL", "America/New_York", "2026-11-19T20:54", "2026-11-19T20:56", "2026-11-20T14:30"),
        ("AAPL", "America/New_York", "2026-11-27T17:54", "2026-11-27T17:56", "2026-11-30T14:30"),
        ("VOD.L", "Europe/London", "2026-11-19T16:24", "2026-11-19T16:35", "2026-11-20T08:00"),
        ("7203.T", "Asia/Tokyo", "2026-11-19T05:59", "2026-11-19T06:26", "2026-11-20T00:00"),
        ("SAP.DE", "Europe/Berlin", "2026-12-30T12:54", "2026-12-30T13:00", "2027-01-04T08:00"),
        ("LUNA-USD", "UTC", "2026-11-19T23:10", "2026-11-19T23:56", "2026-11-20T00:20"),
        (
            "VOLV-B.ST",
            "Europe/Stockholm",
            "2026-11-19T16:30",
            "2026-11-19T22:59",
            "2026-11-20T08:00",
        ),
    ],
)
def test_only_a_sessions_last_price_shows_a_split(
    symbol: str, zone: str, stopped: str, close: str, went_on: str
) -> None:
    seen = []
    for until in (stopped, close):
        watched = Watched()
        fields = {"symbol": symbol, "exchange_timezone": zone, "market_state": "REGULAR"}
        before, after = (
            datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (until, went_on)
        )
        watched.feed(session(before, [100], 100, **fields))
        watched.feed(session(after, [50], 50, **fields))
        seen.append(noted(watched, symbol) is not None)
    assert seen == [False, True]


@pytest.mark.parametrize("source", ["yfinance", "alpaca"])
def test_a_source_that_tells_of_splits_decides_and_not_the_ratio(source: str) -> None:
    watched = Watched(make_rule("crossing_down", value=90, trigger="every_time"))
    watched.feed(session(THURSDAY, [100], 100, source=source))
    watched.feed(session(FRIDAY, [74, 75], 75, source=source))
    assert noted(watched) is None
    assert [str(alert.price) for alert in watched.fired()] == ["74"]


@pytest.mark.parametrize("source", ["yfinance", "yfinance-live", "alpaca", "replay"])
def test_a_reported_split_counts_over_any_gap(source: str) -> None:
    watched = Watched(make_rule("crossing_down", value=90))
    watched.feed(session(THURSDAY - timedelta(days=6, hours=3), [100] * 3, 100, source=source))
    watched.feed(session(FRIDAY, [20, 21], 20, source=source, split="5:1"))
    assert noted(watched) == Split("2026-11-20", 5, 1, Decimal(100))
    assert watched.fired() == []
    line = watched.stores.symbols.find("AAPL")
    assert line is not None
    assert line.split_ratio == "5:1"


def test_a_reported_split_counts_once_from_the_first_price_before_the_open() -> None:
    watched = Watched(make_rule("crossing_down", value=90, trigger="every_time"))
    watched.feed(session(THURSDAY, [100], 100, source="yfinance-live"))
    early = FRIDAY - timedelta(hours=9)
    told = {"source": "yfinance-live", "split": "5:1"}
    watched.feed(session(early, [20, 21], 20, **told, market_state="PRE"))
    watched.feed(session(FRIDAY, [22, 23], 20, **told, market_state="REGULAR"))
    state = watched.stores.state.get("AAPL")
    assert state is not None
    assert [int(close) for close in state.closes] == [20, 20, 21, 22, 23]
    assert watched.fired() == []
