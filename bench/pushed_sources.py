"""Pushed sources: frames per second through each parser.

Each parser is compared with a parser from the standard library for the same frames. Both return the
same values: symbol, time as stored text, price and size as decimals, number. The standard library's
parser checks nothing, which favours it. If alpaca-py and ccxt are installed in our environment,
their parsers are measured too; their prices are floats. Rounds alternate.

    python -m bench pushed_sources
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from bench.measuring import alternate, timed
from producer.sources.alpaca import AlpacaFeed, Keys
from producer.sources.binance import BinanceFeed
from producer.sources.coinbase import URL, CoinbaseFeed
from rigs.pushed_services.alpaca import AlpacaProtocol
from rigs.pushed_services.binance import BinanceProtocol
from rigs.pushed_services.coinbase import CoinbaseProtocol
from rigs.pushed_services.market import Market
from rigs.pushed_services.protocols import ServiceProtocol

FRAMES = 20_000
ROUNDS = 5
TARGET_RATIO = 0.7
SYMBOL = "BTC-USD"

Read = Callable[[str], object]


def frames(protocol: ServiceProtocol, symbol: str) -> list[str]:
    """Return FRAMES frames of trades. The trades come twenty a second."""
    market, now = Market(), datetime(2026, 11, 20, 15, tzinfo=UTC)
    made = (market.trade(symbol, now + timedelta(seconds=number / 20)) for number in range(FRAMES))
    return [protocol.frame(trade) for trade in made]


def parsers() -> dict[str, tuple[Read, list[str]]]:
    """Return the parser and the frames of each source."""
    binance = BinanceFeed()
    binance.subscribe(["BTC-USDT"])
    return {
        "coinbase": (CoinbaseFeed(URL).read, frames(CoinbaseProtocol((SYMBOL,)), SYMBOL)),
        "binance": (binance.read, frames(BinanceProtocol(("BTC-USDT",)), "BTC-USDT")),
        "alpaca": (AlpacaFeed(Keys("", ""), "").read, frames(AlpacaProtocol(), "AAPL")),
    }


def plain_coinbase(frame: str) -> object:
    """Parse a match of Coinbase with the standard library."""
    told = json.loads(frame)
    at = _text(datetime.fromisoformat(told["time"]))
    price, size = Decimal(told["price"]), Decimal(told["size"])
    return told["product_id"], at, price, size, told["trade_id"]


def plain_binance(frame: str) -> object:
    """Parse an aggregate trade of Binance with the standard library."""
    told = json.loads(frame)
    at = _text(datetime.fromtimestamp(told["T"] / 1000, UTC))
    return told["s"], at, Decimal(told["p"]), Decimal(told["q"]), told["a"]


def plain_alpaca(frame: str) -> object:
    """Parse a frame of Alpaca's trades with the standard library."""
    return [
        (told["S"], _text(datetime.fromisoformat(told["t"])), told["p"], told["s"], told["i"])
        for told in json.loads(frame, parse_float=Decimal)
    ]


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


PLAIN: dict[str, Read] = {
    "coinbase": plain_coinbase,
    "binance": plain_binance,
    "alpaca": plain_alpaca,
}


def libraries() -> dict[str, tuple[str, Read]]:
    """Return the name and the parser of each installed library, by our source's name."""
    found: dict[str, tuple[str, Read]] = {}
    try:
        trade = importlib.import_module("alpaca.data.models").Trade
        found["alpaca"] = "alpaca-py", lambda frame: [trade(m["S"], m) for m in json.loads(frame)]
    except ImportError:
        pass
    try:
        exchange: Any = importlib.import_module("ccxt.pro").coinbaseexchange()
        exchange.set_markets([_ccxt_market()])
        found["coinbase"] = "ccxt", lambda frame: exchange.parse_ws_trade(json.loads(frame))
    except ImportError:
        pass
    return found


def _ccxt_market() -> dict[str, object]:
    limits: dict[str, dict[str, float]] = {"amount": {}, "price": {}, "cost": {}}
    flags = dict.fromkeys(("margin", "swap", "future", "option", "contract"), False)
    names = {"id": SYMBOL, "symbol": "BTC/USD", "base": "BTC", "quote": "USD"}
    ids = {"baseId": "BTC", "quoteId": "USD", "type": "spot", "spot": True, "active": True}
    steps = {"amount": 1e-8, "price": 1e-8}
    return {**names, **ids, **flags, "precision": steps, "limits": limits, "info": {}}


def measure() -> list[dict[str, object]]:
    """Return the benchmark's results."""
    cases: dict[str, Callable[[], None]] = {}
    others = libraries()
    for name, (read, given) in parsers().items():
        cases[name] = _over(read, given)
        cases[f"{name} plain"] = _over(PLAIN[name], given)
        if name in others:
            cases[f"{name} {others[name][0]}"] = _over(others[name][1], given)
    rates = {
        name: [FRAMES / seconds for seconds in rounds]
        for name, rounds in alternate(cases, ROUNDS).items()
    }
    return [
        *(_result(name, rates[name], rates[f"{name} plain"]) for name in parsers()),
        *(_other(f"{name} {label}", rates) for name, (label, _) in others.items()),
    ]


def _over(read: Read, given: Sequence[str]) -> Callable[[], None]:
    def run() -> None:
        for frame in given:
            read(frame)

    return run


def _result(name: str, rates: list[float], baseline: list[float]) -> dict[str, object]:
    ratio = median(rates) / median(baseline)
    return {
        **timed(f"pushed_parser_{name}", "frames/s", rates, None),
        "baseline": round(median(baseline)),
        "ratio": round(ratio, 2),
        "target": f"at least {TARGET_RATIO} of the standard library without checks",
        "holds": ratio >= TARGET_RATIO,
    }


def _other(name: str, rates: dict[str, list[float]]) -> dict[str, object]:
    return timed(f"pushed_parser_{name}", "frames/s", rates[name], None)
