"""What a session does when a service is silent, refuses or forgets: by a simulated clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from producer.errors import SourceError
from producer.hours import Always
from producer.sources import alpaca, binance, coinbase
from producer.status import GapReport
from rigs.pushed_services.alpaca import KEY, SECRET, AlpacaProtocol
from rigs.pushed_services.binance import BinanceProtocol
from rigs.pushed_services.coinbase import CoinbaseProtocol
from tests.producer_support.pushed_driver import START, THROTTLED, Driver

COIN = ("BTC-USD",)


class Closed:
    """Hours of a market that never opens."""

    def is_open(self, symbol: str, instant: datetime) -> bool:
        """See Hours."""
        return False


def coins(symbols: tuple[str, ...] = COIN, **more: Any) -> Driver:
    return Driver(coinbase.service, lambda: CoinbaseProtocol(COIN), symbols, **more)


def stocks(protocol: AlpacaProtocol | None = None, secret: str = SECRET, **more: Any) -> Driver:
    return Driver(
        lambda: alpaca.service(alpaca.Keys(KEY, secret)),
        lambda: protocol or AlpacaProtocol(),
        more.pop("symbols", ("AAPL",)),
        **more,
    )


def problems(service: Driver) -> list[str]:
    return [note for note in service.notes if note.startswith("problem")]


def test_a_mute_socket_is_ended_after_a_minute_while_the_market_is_open() -> None:
    service = stocks(hours=Always())
    service.run(96, at={30: service.be_mute})
    assert service.connections == 2
    assert "nothing came for 60 s" in problems(service)[0]


def test_a_mute_socket_is_kept_while_the_market_is_closed() -> None:
    service = stocks(hours=Closed(), gap_seconds=100_000)
    service.run(1800)
    assert service.connections == 1
    assert not problems(service)


def test_heartbeats_alone_do_not_hide_that_trades_do_not_come() -> None:
    service = coins()
    service.run(50, at={30: lambda: setattr(service, "skipping", 10_000)})
    assert "heartbeats tell of trades of BTC-USD that do not come" in problems(service)[0]


def test_trades_that_do_not_count_do_not_hide_that_prices_do_not_come() -> None:
    service = coins(gap_seconds=100_000)

    def push() -> None:
        at = service.clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        number = 1000 + int(service.seconds)
        service.push(
            f'{{"type":"match","product_id":"BTC-USD","trade_id":{number},"price":"1e13",'
            f'"size":"1","time":"{at}"}}'
        )

    service.run(700, push)
    assert "no price came for 600 s" in problems(service)[0]


def test_a_subscription_that_is_not_acknowledged_is_tried_again() -> None:
    service = coins()
    service.is_mute = True
    service.run(130, at={12: service.return_})
    assert "the subscription was not acknowledged within 10 s" in problems(service)[0]
    assert service.status.state == "live"


def test_an_unknown_product_is_left_out_for_an_hour_and_the_others_come() -> None:
    service = coins(("FOO-USD", "BTC-USD"))
    service.run(3700)
    assert {tick.symbol for tick in service.ticks} == {"BTC-USD"}
    assert service.connections == 1
    told = [note for note in problems(service) if "Coinbase knows no such symbol" in note]
    assert len(told) == 2


def test_more_symbols_than_a_subscription_allows_are_named() -> None:
    symbols = tuple(f"S{chr(65 + number)}" for number in range(26)) + tuple("ABCDEFG")
    service = stocks(symbols=symbols)
    service.run(60)
    assert len({tick.symbol for tick in service.ticks}) == 30
    assert (
        "Alpaca takes 30 symbols (405: symbol limit exceeded); not followed: E, F, G"
        in (problems(service)[0])
    )


def test_words_of_a_service_about_symbols_that_nobody_asked_for_are_not_told() -> None:
    service = coins()

    def push() -> None:
        for number in range(50):
            service.push(f'{{"type":"error","message":"X{number}-USD is not a valid product"}}')

    service.run(60, at={30: push})
    assert not problems(service)


def test_a_limit_of_symbols_is_told_once_however_it_is_worded() -> None:
    service = stocks()

    def push() -> None:
        for number in range(50):
            service.push(f'[{{"T":"error","code":405,"msg":"limit {number}"}}]')

    service.run(60, at={30: push})
    assert len(problems(service)) == 1


def test_refused_keys_end_the_source_at_the_start() -> None:
    service = stocks(secret="wrong")
    with pytest.raises(SourceError, match="Alpaca refuses: 402: auth failed"):
        service.run(60)


def test_keys_that_are_refused_later_are_tried_again_after_minutes() -> None:
    service = stocks()
    refusal = '[{"T":"error","code":402,"msg":"auth failed"}]'
    service.run(60, at={30: lambda: service.push(refusal)})
    assert service.connections == 1
    assert service.status.state.startswith("reconnecting to Alpaca in ")


def test_a_service_that_asks_for_fewer_connections_gets_them_after_minutes() -> None:
    service = coins()
    pushed: list[int] = []
    refusal = '{"type":"error","message":"slow down"}'
    service.run(
        150,
        at={
            30: lambda: service.push(refusal),
            85: lambda: pushed.append(service.connections),
        },
    )
    assert pushed == [1]
    assert service.connections == 2


def test_attempts_grow_apart_while_a_service_is_away() -> None:
    service = coins()
    service.run(600, at={10: service.be_away})
    away = [note for note in problems(service) if "refused" in note]
    assert 5 < len(away) <= 40


@pytest.mark.parametrize(("ago", "asked"), [(30, 1440), (5000, 5000)])
def test_a_restart_asks_for_a_day_or_since_the_earlier_run(ago: int, asked: int) -> None:
    service = coins()
    last = START - timedelta(minutes=ago)
    service.source.continue_after({"BTC-USD": last.strftime("%Y-%m-%dT%H:%M:%S.%fZ")})
    service.run(120)
    minutes = [start for _, bar, start, _ in service.asked if bar == "1m"]
    assert min(minutes) == START - timedelta(minutes=asked)


def test_a_long_pause_is_filled_with_a_week_of_minutes() -> None:
    service = coins()
    last = START - timedelta(days=40)
    service.source.continue_after({"BTC-USD": last.strftime("%Y-%m-%dT%H:%M:%S.%fZ")})
    service.run(120)
    minutes = [start for _, bar, start, _ in service.asked if bar == "1m"]
    assert START - timedelta(days=7, minutes=2) < min(minutes) <= START - timedelta(days=6)


def test_without_history_nothing_before_the_start_is_asked() -> None:
    service = coins(history=False)
    service.run(180)
    assert {bar for _, bar, _, _ in service.asked} == {"1m"}
    assert min(start for _, _, start, _ in service.asked) == START


def test_a_gap_is_told_while_it_lasts_and_when_it_is_filled() -> None:
    service = coins()
    reports: list[GapReport | None] = []

    def go() -> None:
        service.history_errors = [THROTTLED]
        service.be_away()

    service.run(
        540,
        at={
            110: go,
            190: lambda: reports.append(service.status.gaps()),
            240: service.return_,
        },
    )
    (during,) = reports
    assert during is not None
    assert (during.symbols, during.since) == (1, "2026-11-20T15:01:00.000000Z")
    (note,) = [note for note in service.notes if note.startswith("note")]
    assert "Coinbase: prices were missing since 2026-11-20T15:01:" in note
    report = service.status.gaps()
    assert report is not None
    assert report.symbols == 0


def test_while_the_stream_is_away_history_brings_each_minute_as_it_ends() -> None:
    service = coins()
    service.run(630, at={30: service.be_away})
    minutes = [bar.timestamp for bar in service.given if bar.bar == "1m"]
    assert len(minutes) == len(set(minutes)) >= 10


def test_a_network_that_is_away_is_told_once_and_not_for_each_symbol() -> None:
    symbols = tuple(f"C{number}-USDT" for number in range(20))
    service = Driver(binance.service, lambda: BinanceProtocol(symbols), symbols, gap_seconds=1000)
    service.history_errors = [ConnectionRefusedError()] * 4
    service.run(40)
    told = [note for note in problems(service) if "no history" in note]
    assert all(note.startswith("problem: Binance: no history: the connection") for note in told)
    assert 1 <= len(told) <= 4


def test_requests_to_binance_keep_to_five_a_second() -> None:
    symbols = tuple(f"C{number}-USDT" for number in range(700))
    service = Driver(
        binance.service, lambda: BinanceProtocol(symbols), symbols, gap_seconds=1000, history=False
    )
    service.run(20)
    assert service.status.state == "live"
    assert service.connections == 1


def test_a_split_has_all_history_asked_again() -> None:
    service = coins()
    service.run(150, at={60: lambda: service.source._mender.fetch_again("BTC-USD")})
    assert [bar for _, bar, _, _ in service.asked].count("1d") == 2
    starts = [start for _, bar, start, _ in service.asked if bar == "1m"]
    assert sum(start < START - timedelta(hours=23) for start in starts) == 2
    report = service.status.gaps()
    assert report is not None
    assert report.symbols == 0
