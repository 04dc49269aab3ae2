"""Pushed sources: frames per second through each parser, and seconds from a frame to the API.

Each parser is compared with one of the standard library for the same frames and the same values:
symbol, time as stored text, price and size as decimals, number. It checks nothing, which favours
it. If alpaca-py and ccxt are installed in our environment, their own parsers are measured
too, whose prices are floats. Rounds alternate.

The way to the API begins when a stand-in pushes the frame of a trade and ends when the API shows
its price: session, thinning (0.05 s), Kinesis, ingest and the API of a local system. Bias: all
share two cores, and a query that comes too early costs up to a pause.

    python -m bench pushed_sources
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.measuring import alternate, median, timed
from producer.sources.alpaca import AlpacaFeed, Keys
from producer.sources.binance import BinanceFeed
from producer.sources.coinbase import CoinbaseFeed
from rigs.pushed_services.alpaca import AlpacaProtocol
from rigs.pushed_services.binance import BinanceProtocol
from rigs.pushed_services.coinbase import CoinbaseProtocol
from rigs.pushed_services.market import Market
from rigs.pushed_services.protocols import ServiceProtocol
from rigs.pushed_services.server import StandIn, standing
from rigs.running_system import System, running_system

FRAMES = 20_000
ROUNDS = 5
TRADES = 40
TARGET_RATIO = 0.7
PATIENCE_SECONDS = 60.0
SYMBOL = "BTC-USD"
_PAUSE_SECONDS = 0.01
_ROOT = Path(__file__).resolve().parents[1]

Read = Callable[[str], object]


def frames(protocol: ServiceProtocol, symbol: str) -> list[str]:
    """Return frames of trades, twenty a second."""
    market, now = Market(), datetime(2026, 11, 20, 15, tzinfo=UTC)
    made = (market.trade(symbol, now + timedelta(seconds=number / 20)) for number in range(FRAMES))
    return [protocol.frame(trade) for trade in made]


def parsers() -> dict[str, tuple[Read, list[str]]]:
    """Return each source's parser and its frames."""
    binance = BinanceFeed()
    binance.subscribe(["BTC-USDT"])
    return {
        "coinbase": (CoinbaseFeed().read, frames(CoinbaseProtocol((SYMBOL,)), SYMBOL)),
        "binance": (binance.read, frames(BinanceProtocol(("BTC-USDT",)), "BTC-USDT")),
        "alpaca": (AlpacaFeed(Keys("", ""), "").read, frames(AlpacaProtocol(), "AAPL")),
    }


def plain_coinbase(frame: str) -> object:
    """Parse a match by the standard library."""
    told = json.loads(frame)
    at = _text(datetime.fromisoformat(told["time"]))
    price, size = Decimal(told["price"]), Decimal(told["size"])
    return told["product_id"], at, price, size, told["trade_id"]


def plain_binance(frame: str) -> object:
    """Parse an aggregate trade by the standard library."""
    told = json.loads(frame)
    at = _text(datetime.fromtimestamp(told["T"] / 1000, UTC))
    return told["s"], at, Decimal(told["p"]), Decimal(told["q"]), told["a"]


def plain_alpaca(frame: str) -> object:
    """Parse a frame of trades by the standard library."""
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
    """Return the parsers of installed libraries, by our source: their name and function."""
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


def _parsing() -> list[dict[str, object]]:
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


@contextmanager
def producing(system: System, service: StandIn) -> Iterator[None]:
    """Run the producer from a stand-in to a local system."""
    keys = system.keys
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": system.aws,
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_REGION": "us-east-1",
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "producer", "stream", "--source", "coinbase"),
            *("--symbols", SYMBOL, "--interval", "0.05", "--stream", "ticktape-local-ticks"),
            *("--live-url", service.stream_url, "--history-url", service.history_url),
        ],
        cwd=_ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _latency() -> dict[str, object]:
    with (
        running_system("--source", "none", "--no-page") as system,
        standing(lambda: CoinbaseProtocol((SYMBOL,))) as service,
        producing(system, service),
    ):
        _wait(lambda: service.subscribed)
        seconds = [_seconds_of_a_trade(system, service) for _ in range(TRADES + 1)][1:]
    return timed("pushed_frame_to_api", "s from a frame until the API shows it", seconds, 3)


def _seconds_of_a_trade(system: System, service: StandIn) -> float:
    """Push a trade; return the seconds until the API shows it."""
    trade = service.trade(SYMBOL)
    began = time.perf_counter()
    shown = trade.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    _wait(lambda: _newest(system) >= shown)
    return time.perf_counter() - began


def _newest(system: System) -> str:
    try:
        return str(system.get(f"/prices/{SYMBOL}/latest")["timestamp"])
    except urllib.error.HTTPError as error:
        if error.code == 404:  # nothing has arrived yet
            return ""
        raise


def _wait(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError("the local system shows no pushed price")
        time.sleep(_PAUSE_SECONDS)


def measure() -> list[dict[str, object]]:
    """Return the benchmark's results."""
    return [*_parsing(), _latency()]
