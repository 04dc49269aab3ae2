"""Runs a stand-in until Ctrl-C. It has a day of history and makes a trade of each symbol every
second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rigs.pushed_services.alpaca import AlpacaProtocol
from rigs.pushed_services.binance import BinanceProtocol
from rigs.pushed_services.coinbase import CoinbaseProtocol
from rigs.pushed_services.market import Market
from rigs.pushed_services.protocols import ServiceProtocol
from rigs.pushed_services.server import StandIn, standing

SYMBOLS = {
    "coinbase": ("BTC-USD", "ETH-USD"),
    "binance": ("BTC-USDT", "ETH-USDT"),
    "alpaca": ("AAPL", "MSFT"),
}
_MINUTES = 1440


def main(name: str) -> None:
    """Run the stand-in for a service."""
    symbols = SYMBOLS[name]
    protocols: dict[str, Callable[[], ServiceProtocol]] = {
        "coinbase": lambda: CoinbaseProtocol(symbols),
        "binance": lambda: BinanceProtocol(symbols),
        "alpaca": AlpacaProtocol,
    }
    market, now = Market(), datetime.now(UTC)
    for minute in range(_MINUTES):
        for symbol in symbols:
            market.trade(symbol, now - timedelta(minutes=_MINUTES - minute))
    with standing(protocols[name], market) as stand_in:
        print(f"--live-url {stand_in.stream_url} --history-url {stand_in.history_url}", flush=True)
        _trade(stand_in, symbols)


def _trade(stand_in: StandIn, symbols: tuple[str, ...]) -> None:
    while True:
        for symbol in symbols:
            stand_in.trade(symbol)
        stand_in.beat()
        time.sleep(1)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(0)
