"""Twenty minutes of a service that misbehaves: every minute that history can fill is there once."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from producer.sources import alpaca, binance, coinbase
from producer.sources.pushed.history import minute_at
from producer.sources.pushed.messages import Trade as PushedTrade
from rigs.pushed_services.alpaca import KEY, SECRET, AlpacaProtocol
from rigs.pushed_services.binance import BinanceProtocol
from rigs.pushed_services.coinbase import CoinbaseProtocol
from tests.producer_support.pushed_driver import (
    THROTTLED,
    UNUSABLE,
    Driver,
    bar_of_ticks,
    bar_of_trades,
    minute_of,
)

COINS = ("BTC-USD", "ETH-USD")
PAIRS = ("BTC-USDT", "ETH-USDT")
STOCKS = ("AAPL", "MSFT")
_SECONDS = 20 * 60
_CALM_SECONDS = 20 * 60

_FAULTS = ("mute", "close", "away", "repeat", "reorder", "throttle", "garbage", "skip")
_UNNUMBERED = tuple(name for name in _FAULTS if name != "reorder")
"""Of a service that does not number its trades, late ones are not known."""


def _alpaca_service() -> Any:
    return alpaca.service(alpaca.Keys(KEY, SECRET))


MAKERS: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[str, ...]]] = {
    "coinbase": (coinbase.service, lambda: CoinbaseProtocol(COINS), COINS),
    "binance": (binance.service, lambda: BinanceProtocol(PAIRS), PAIRS),
    "alpaca": (_alpaca_service, AlpacaProtocol, STOCKS),
}


def driver(name: str, seed: int = 1, **more: Any) -> Driver:
    return Driver(*MAKERS[name], seed=seed, **more)


GARBAGE = ("{", b"\xff\xfe", "[]", "null", '{"type": "match"}', '[{"T":"t"}]')


class Misbehaviour:
    """Does one fault after another for random times, then none any more."""

    def __init__(self, service: Driver, faults: list[tuple[str, int]]) -> None:
        self._service = service
        self._faults = iter(faults)
        self._ends = 0.0
        self._rng = random.Random(len(faults))

    def __call__(self) -> None:
        service = self._service
        if service.seconds < self._ends:
            return
        service.is_mute = service.is_away = service.repeating = service.reordering = False
        fault, seconds = (
            ("", 10_000) if service.seconds > _SECONDS else next(self._faults, ("", 10_000))
        )
        self._ends = service.seconds + seconds
        self._begin(fault)

    def _begin(self, fault: str) -> None:
        service = self._service
        match fault:
            case "mute":
                service.is_mute = True
            case "close":
                service.close()
            case "away":
                service.is_away = True
                service.close()
            case "repeat":
                service.repeating = True
            case "reorder":
                service.reordering = True
            case "throttle":
                service.history_errors += [THROTTLED, UNUSABLE, OSError("no route")]
            case "garbage":
                for frame in GARBAGE:
                    service.push(frame)
            case "skip":
                service.skipping = 3


def check(service: Driver) -> None:
    """Every minute is complete, by history or by ticks; no bar is there twice."""
    bars = [bar for bar in service.given if bar.bar == "1m"]
    counts = Counter((bar.symbol, bar.timestamp) for bar in bars)
    assert [key for key, count in counts.items() if count > 1] == []
    assert all(bar.mode == "backfill" for bar in service.given)
    historical = {(bar.symbol, minute_of(bar)): bar for bar in bars}
    trades = defaultdict(list)
    for symbol, made in service.market.trades.items():
        for trade in made:
            trades[symbol, minute_at(trade.at)].append(trade)
    ticks = defaultdict(list)
    for tick in service.ticks:
        ticks[tick.symbol, minute_of(tick)].append(tick)
    over = minute_at(service.clock()) - 1
    for key, made in trades.items():
        if key[1] >= over:
            continue
        if (bar := historical.get(key)) is not None:
            assert (bar.open, bar.high, bar.low, bar.price) == bar_of_trades(made), key
            assert bar.volume == sum(trade.size for trade in made)
        else:
            assert bar_of_ticks(ticks[key]) == bar_of_trades(made), key
    for symbol in service.symbols:
        times = [tick.timestamp for tick in service.ticks if tick.symbol == symbol]
        assert times == sorted(set(times))


@pytest.mark.parametrize("name", MAKERS)
@settings(
    max_examples=4,
    deadline=None,
    phases=(Phase.generate,),  # a failure is a program of minutes, which shrinking repeats
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_every_minute_that_history_can_fill_is_there_once(name: str, data: st.DataObject) -> None:
    kinds = _UNNUMBERED if name == "alpaca" else _FAULTS
    faults = data.draw(
        st.lists(st.tuples(st.sampled_from(kinds), st.integers(5, 200)), min_size=3, max_size=15)
    )
    if name == "alpaca":  # a shorter silence may hide trades that nothing tells of
        faults = [(kind, max(seconds, 25)) for kind, seconds in faults]
    service = driver(name, seed=data.draw(st.integers(1, 1000)))
    service.run(_SECONDS + _CALM_SECONDS, Misbehaviour(service, faults))
    check(service)
    report = service.status.gaps()
    assert report is not None
    assert report.symbols == 0
    assert service.status.state == "live"


@pytest.mark.parametrize("name", MAKERS)
def test_a_clock_that_is_ahead_takes_no_minute_in_progress(name: str) -> None:
    service = driver(name, ahead_seconds=50)
    service.run(900, Misbehaviour(service, [("close", 200), ("away", 90)]))
    check(service)
    assert any("this machine's clock is 50 s ahead" in note for note in service.notes)


def test_a_full_queue_makes_room_and_history_fills_the_minutes() -> None:
    service = driver("coinbase")
    service.run(90)
    old = service.market.trades["BTC-USD"][-1]
    service.source._waiting._most = 2
    for number in range(1, 6):
        trade = service.market.trade("BTC-USD", service.clock())
        service.source.take(
            PushedTrade(
                symbol="BTC-USD",
                at=trade.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                price=trade.price,
                size=trade.size,
                number=old.number + number,
            )
        )
    assert service.status.dropped["no room"] >= 3
    service.run(150)
    check(service)
