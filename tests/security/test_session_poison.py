"""One absurd trade or bar of a source changes none of the ticks after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.times import to_text
from chalicelib.domain.wire import decode
from producer.hours import Always
from producer.passing import Passing
from producer.sources import coinbase
from producer.sources.pushed.messages import MinuteVolume, Newest, Trade
from producer.sources.pushed.source import Pushed
from producer.status import Status
from producer.watchlist import FixedList
from producer.wire import WireTick, line_of

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SYMBOL = "BTC-USD"


class Rig:
    """Coinbase's source with a fixed time of day, and what ingest makes of its ticks."""

    def __init__(self) -> None:
        self.status = Status(lambda _event, _message: None)
        service = coinbase.service("ws://127.0.0.1:1", "http://127.0.0.1:1")
        self.source = Pushed(
            service, FixedList((SYMBOL,)), self.status, Always(), clock=lambda: NOW
        )
        self.passing = Passing(self.source, self.status.drop, clock=lambda: NOW)
        self.source.follow()
        self.number = 0
        self.learn()

    def learn(self, **changed: Any) -> None:
        """Have history tell a minute."""
        names = ("price", "open", "high", "low")
        made: dict[str, Any] = {
            **dict.fromkeys(names, Decimal(100)),
            "volume": Decimal(50),
            **changed,
        }
        bar = WireTick(
            symbol=SYMBOL,
            timestamp="2026-11-20T14:57:00.000000Z",
            exchange_timezone="UTC",
            mode="backfill",
            bar="1m",
            **made,
        )
        self.source._learn([bar])

    def trade(
        self,
        price: str = "100",
        size: str = "1",
        ahead: timedelta = timedelta(),
        number: int | None = None,
    ) -> list[WireTick]:
        """Push a trade, the next by number; return the ticks that pass."""
        self.number += 1
        trade = Trade(
            symbol=SYMBOL,
            at=to_text(NOW - timedelta(minutes=1) + timedelta(milliseconds=self.number) + ahead),
            price=Decimal(price),
            size=Decimal(size),
            number=number or self.number,
        )
        self.source._session.take_trade(trade)
        return [tick for batch in self.source.gathered() for tick in self.passing.of(batch)]

    def true_ones(self, count: int = 10) -> list[WireTick]:
        """Push true trades; return the ticks that ingest takes."""
        ticks = [tick for number in range(count) for tick in self.trade(str(100 + number % 3))]
        for tick in ticks:
            assert not decode(line_of(tick).payload, NOW).rejected
        return ticks


ABSURD: dict[str, dict[str, Any]] = {
    "price": {"price": "1e13"},
    "size": {"size": "1e18"},
    "low": {"price": "5"},
    "high": {"price": "500"},
    "days": {"ahead": timedelta(days=2)},
    "years": {"ahead": timedelta(days=36_500)},
    "number": {"number": 2**62},
}


@pytest.mark.parametrize("absurd", ABSURD.values(), ids=ABSURD)
def test_an_absurd_trade_changes_none_of_the_ticks_after_it(absurd: dict[str, Any]) -> None:
    rig = Rig()
    before = rig.true_ones()
    rig.trade(**absurd)
    after = rig.true_ones()
    assert (len(before), len(after)) == (10, 10)
    last = after[-1]
    assert (last.open, last.high, last.low, last.previous_close) == (100, 102, 100, None)
    assert last.volume in (70, 71)  # with that of the absurd one where it may be true


def test_two_bad_prices_between_two_true_ones_do_not_change_the_session() -> None:
    rig = Rig()
    rig.true_ones()
    for price in ("5", "5.01", "101"):
        rig.number += 1
        at = to_text(NOW - timedelta(seconds=1) + timedelta(milliseconds=rig.number))
        rig.source._session.take_trade(
            Trade(symbol=SYMBOL, at=at, price=Decimal(price), size=Decimal(1), number=rig.number)
        )
    (tick,) = [tick for batch in rig.source.gathered() for tick in rig.passing.of(batch)]
    assert (tick.price, tick.low) == (101, 100)


def test_a_confirmed_move_does_change_it() -> None:
    rig = Rig()
    rig.true_ones(2)
    rig.trade("150")
    lows = [(tick.price, tick.high) for tick in rig.trade("151")]
    assert lows == [(150, 150), (151, 151)]


@pytest.mark.parametrize(
    "changed",
    [{"high": Decimal("1e13")}, {"volume": Decimal("1e19")}, {"high": Decimal(99)}],
    ids=["high", "volume", "below"],
)
def test_an_absurd_bar_changes_none_of_the_ticks_after_it(changed: dict[str, Any]) -> None:
    rig = Rig()
    rig.learn(**changed)
    last = rig.true_ones()[-1]
    assert (last.high, last.volume) == (102, 60)


def test_a_dropped_trade_is_counted_and_its_minute_is_asked_from_history() -> None:
    rig = Rig()
    rig.true_ones()
    rig.source.live(frozenset({SYMBOL}))
    mender: Any = rig.source._mender
    mender._gaps.forget(lambda _: True)
    rig.trade("1e13")
    assert rig.status.dropped["malformed price"] == 1
    assert mender._gaps.symbols == [SYMBOL]


def test_heartbeats_that_tell_of_a_dropped_trade_do_not_end_the_connection() -> None:
    rig = Rig()
    rig.true_ones()
    rig.trade("1e13")
    for _ in range(3):
        rig.source._session.check_newest(Newest(SYMBOL, rig.number))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (MinuteVolume(SYMBOL, to_text(NOW), Decimal("1e18")), "malformed volume"),
        (MinuteVolume(SYMBOL, "2126-11-20T15:00:00.000000Z", Decimal(1)), "in the future"),
    ],
)
def test_an_absurd_volume_of_a_minute_is_not_compared(told: MinuteVolume, reason: str) -> None:
    rig = Rig()
    assert not rig.source._session.take(told)
    assert rig.status.dropped == {reason: 1}
