"""Ticks of trades have the session's values: open, high, low, volume and the last close."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from producer.sources.pushed.messages import Trade
from producer.sources.pushed.so_far import Listing, SessionsSoFar
from producer.sources.pushed.waiting import thinned
from producer.wire import WireTick, tick_of_action
from tests.action_support import make_split
from tests.producer_support.doubles import make_wire_tick

COINS = Listing("USD", "UTC", "coinbase")
STOCKS = Listing("USD", "America/New_York", "alpaca")


def trade(at: str, price: str, size: str = "1", symbol: str = "BTC-USD", **more: Any) -> Trade:
    return Trade(symbol=symbol, at=at, price=Decimal(price), size=Decimal(size), **more)


def bar(at: str, price: str, volume: str, length: Any = "1m", **more: Any) -> WireTick:
    made: dict[str, Any] = {"symbol": "BTC-USD", "exchange_timezone": "UTC", **more}
    return WireTick(timestamp=at, price=Decimal(price), volume=Decimal(volume), bar=length, **made)


def passed(so_far: SessionsSoFar, sold: Trade, listing: Listing = COINS) -> WireTick:
    """The tick of a trade, once hygiene has let it pass."""
    tick = so_far.tick(sold, listing)
    assert tick is not None
    so_far.complete(tick)
    return tick


def told(at: str, price: str, listing: Listing = COINS, **more: Any) -> WireTick:
    tick = SessionsSoFar().tick(trade(at, price, **more), listing)
    assert tick is not None
    return tick


def test_history_and_trades_make_one_session() -> None:
    so_far = SessionsSoFar()
    passed(so_far, trade("2026-11-20T10:02:30.000000Z", "105", "2"))
    so_far.learn(
        [
            bar("2026-11-19T00:00:00.000000Z", "98", "5000", "1d"),
            bar("2026-11-19T23:59:00.000000Z", "98", "7"),
            bar("2026-11-20T10:00:00.000000Z", "101", "10", open=Decimal(100), low=Decimal(99)),
            bar("2026-11-20T10:01:00.000000Z", "103", "0.5", high=Decimal(110)),
        ]
    )
    tick = passed(so_far, trade("2026-11-20T10:03:00.000000Z", "104", "0.25"))
    assert (tick.high, tick.low, tick.previous_close) == (110, 99, 98)
    assert tick.volume == Decimal("12.75")


def test_a_volume_is_not_told_before_history_has_told_its_beginning() -> None:
    assert told("2026-11-20T10:02:30.000000Z", "105").volume is None


def test_a_new_day_begins_at_midnight_utc_with_the_last_price_as_its_close() -> None:
    so_far = SessionsSoFar()
    passed(so_far, trade("2026-11-20T23:59:59.999000Z", "105"))
    tick = passed(so_far, trade("2026-11-21T00:00:00.000000Z", "106"))
    assert (tick.open, tick.high, tick.previous_close) == (106, 106, 105)


def test_prices_before_and_after_hours_do_not_change_the_sessions_range() -> None:
    so_far = SessionsSoFar()
    early = passed(so_far, trade("2026-11-20T13:00:00.000000Z", "200", symbol="AAPL"), STOCKS)
    regular = passed(so_far, trade("2026-11-20T15:00:00.000000Z", "100", symbol="AAPL"), STOCKS)
    late = passed(so_far, trade("2026-11-20T22:00:00.000000Z", "300", symbol="AAPL"), STOCKS)
    assert [early.market_state, regular.market_state, late.market_state] == [
        "PRE",
        "REGULAR",
        "POST",
    ]
    assert (early.high, regular.high, late.high) == (None, 100, 100)


def test_an_odd_lot_only_adds_to_the_volume() -> None:
    so_far = SessionsSoFar()
    so_far.learn(
        [
            bar(
                "2026-11-20T14:59:00.000000Z",
                "100",
                "10",
                symbol="AAPL",
                exchange_timezone=STOCKS.exchange_timezone,
            )
        ]
    )
    odd = trade("2026-11-20T15:00:00.000000Z", "500", "3", symbol="AAPL", sets_price=False)
    assert so_far.tick(odd, STOCKS) is None
    tick = passed(so_far, trade("2026-11-20T15:00:01.000000Z", "100", "1", symbol="AAPL"), STOCKS)
    assert (tick.volume, tick.high) == (14, 100)


def test_a_price_that_did_not_pass_does_not_change_the_session() -> None:
    so_far = SessionsSoFar()
    passed(so_far, trade("2026-11-20T10:00:00.000000Z", "100"))
    so_far.tick(trade("2026-11-20T10:00:01.000000Z", "5"), COINS)
    tick = passed(so_far, trade("2026-11-20T10:00:02.000000Z", "101"))
    assert (tick.open, tick.high, tick.low) == (100, 101, 100)


def test_a_volume_that_ingest_would_refuse_is_left_out() -> None:
    so_far = SessionsSoFar()
    so_far.learn([bar("2026-11-20T10:00:00.000000Z", "101", "6e17")])
    volumes = [
        passed(so_far, trade(f"2026-11-20T10:01:0{second}.000000Z", "104", "3e17")).volume
        for second in range(3)
    ]
    assert volumes == [Decimal("9e17"), None, None]


def test_history_that_adds_to_a_told_volume_is_reported_once() -> None:
    so_far = SessionsSoFar()
    assert not so_far.learn([bar("2026-11-20T10:00:00.000000Z", "101", "10")])
    so_far.tick(trade("2026-11-20T10:02:00.000000Z", "104", "1"), COINS)
    assert so_far.learn([bar("2026-11-20T10:01:00.000000Z", "101", "10")]) == {"BTC-USD"}
    so_far.settle("BTC-USD", "2026-11-20T10:02")
    assert not so_far.learn([bar("2026-11-20T10:02:00.000000Z", "101", "10")])
    tick = so_far.tick(trade("2026-11-20T10:03:00.000000Z", "104", "1"), COINS)
    assert tick is not None
    assert tick.volume == 22


def test_thinned_ticks_keep_each_minutes_open_high_low_and_close() -> None:
    prices = [5, 6, 9, 4, 7, 6, 1, 2, 3]
    ticks = [
        make_wire_tick(number=57 + place, price=Decimal(price))
        for place, price in enumerate(prices)
    ]
    first = [int(t.price) for t in thinned(ticks) if t.timestamp[14:16] == "00"]
    second = [int(t.price) for t in thinned(ticks) if t.timestamp[14:16] == "01"]
    assert first == [5, 9]
    assert second == [4, 7, 1, 3]


def test_ticks_of_a_splits_session_name_it_beside_an_adjusted_last_close() -> None:
    so_far = SessionsSoFar()
    given = {"symbol": "AAPL", "exchange_timezone": "America/New_York"}
    so_far.learn([bar("2026-11-19T00:00:00.000000Z", "400", "5000", "1d", **given)])
    day_before = passed(so_far, trade("2026-11-19T15:00:00.000000Z", "400", symbol="AAPL"), STOCKS)
    so_far.learn([tick_of_action(make_split("2026-11-20", "4:1"))])
    early = passed(so_far, trade("2026-11-20T13:00:00.000000Z", "101", symbol="AAPL"), STOCKS)
    tick = passed(so_far, trade("2026-11-20T15:00:00.000000Z", "102", symbol="AAPL"), STOCKS)
    after = passed(so_far, trade("2026-11-23T15:00:00.000000Z", "103", symbol="AAPL"), STOCKS)
    found = [(one.split, one.previous_close) for one in (early, tick, after)]
    assert found == [("4:1", 100), ("4:1", 100), (None, 102)]
    assert day_before.split is None
