"""The stand-ins for Alpaca, Coinbase and Binance against alpaca-py and ccxt: the clients read what
the stand-ins were told to send.

The clients have an environment of their own, which `make setup` makes.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rigs.pushed_services.alpaca import KEY, SECRET, AlpacaProtocol
from rigs.pushed_services.binance import BinanceProtocol
from rigs.pushed_services.coinbase import CoinbaseProtocol
from rigs.pushed_services.market import Candle, Market, Trade
from rigs.pushed_services.server import StandIn, standing
from tests.oracles.service_clients import TRADES
from tests.patience import PATIENCE_SECONDS, eventually

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv/oracles/services/bin/python"
MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 20, 15, tzinfo=UTC)
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
LIMIT = 5
DATES = {"process_date": "2026-06-10", "record_date": "2026-06-08", "payable_date": "2026-06-09"}
SPLIT = {
    **DATES,
    "id": "b1a3e0e4-0d3a-4f4e-9a5e-6a3f0f6f2a01",
    "symbol": "AAPL",
    "cusip": "037833100",
    "new_rate": 4,
    "old_rate": 1,
    "ex_date": "2026-06-10",
    "due_bill_redemption_date": "2026-06-11",
}
DIVIDEND = {
    **DATES,
    "id": "b1a3e0e4-0d3a-4f4e-9a5e-6a3f0f6f2a02",
    "symbol": "MSFT",
    "cusip": "594918104",
    "rate": 0.91,
    "special": False,
    "foreign": False,
    "ex_date": "2026-06-08",
    "due_bill_on_date": "2026-06-08",
    "due_bill_off_date": "2026-06-09",
}

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="make setup could not install alpaca-py and ccxt"
)


class Client:
    """A client's process. It leaves after its trades."""

    def __init__(self, library: str, asked: Any) -> None:
        script = Path(__file__).with_name("service_clients.py")
        self._process = subprocess.Popen(
            [PYTHON, script, library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._told = ("", "")
        self._asked = json.dumps(asked)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self._told = self._process.communicate(self._asked)

    def subscribed(self, service: StandIn, symbol: str) -> None:
        """Wait until the client is subscribed. Raises AssertionError if it ends before."""
        eventually(lambda: symbol in service.subscribed or self._process.poll() is not None)
        assert self._process.poll() is None, self._told

    def answer(self) -> Any:
        """Return what the client has read."""
        self._reader.join(PATIENCE_SECONDS)
        assert self._process.poll() == 0, self._told
        return json.loads(self._told[0])

    def stop(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._reader.join(PATIENCE_SECONDS)


@contextmanager
def client(library: str, asked: Any) -> Iterator[Client]:
    made = Client(library, asked)
    try:
        yield made
    finally:
        made.stop()


def market_of(*symbols: str) -> Market:
    """Two trades in each of some minutes."""
    made = Market()
    for symbol in symbols:
        for half in range(4 * LIMIT):
            made.trade(symbol, START + half * MINUTE / 2)
    return made


def minutes(service: StandIn, symbol: str, count: int, start: datetime = START) -> list[Candle]:
    return list(service.market.candles(symbol, start, start + count * MINUTE, MINUTE))


def figures(candle: Candle) -> list[float]:
    return [float(value) for value in candle[1:]]


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def test_alpaca_py_reads_trades_bars_history_and_actions() -> None:
    actions = {"forward_splits": [SPLIT], "cash_dividends": [DIVIDEND]}
    with standing(
        lambda: AlpacaProtocol(page_size=2, actions=actions), market_of("AAPL", "MSFT")
    ) as service:
        asked = {
            "key": KEY,
            "secret": SECRET,
            "live_url": service.stream_url,
            "history_url": service.history_url,
            "symbols": ["AAPL", "MSFT"],
            "start": START.isoformat(),
            "end": (START + (LIMIT - 1) * MINUTE).isoformat(),
            "first_day": "2026-01-01",
            "last_day": "2026-11-20",
        }
        with client("alpaca", asked) as running:
            running.subscribed(service, "AAPL")
            sent = [service.trade("AAPL", NOON + step * MINUTE / 3) for step in range(TRADES)]
            service.beat(NOON + MINUTE)
            found = running.answer()
        history = [
            [name, candle.start.timestamp(), *figures(candle)]
            for name in ("AAPL", "MSFT")
            for candle in minutes(service, name, LIMIT)
        ]
        assert found["refused"] == "forbidden."
        assert found["history"] == history
        assert len(history) == 2 * LIMIT
        assert found["trades"] == [
            [one.symbol, one.number, one.at.timestamp(), float(one.price), float(one.size)]
            for one in sent
        ]
        [candle] = minutes(service, "AAPL", 1, NOON)
        assert found["bars"] == [["AAPL", NOON.timestamp(), *figures(candle)]]
    kinds = ("cash_dividends", DIVIDEND), ("forward_splits", SPLIT)
    assert found["actions"] == [action | {"corporate_action_type": kind} for kind, action in kinds]


@pytest.fixture(scope="module")
def exchanges() -> Iterator[tuple[dict[str, StandIn], dict[str, list[Trade]], Any]]:
    """Stand-ins for both exchanges, the trades that they pushed, and what ccxt has read, which one
    process does, since its import takes most of the time."""
    coinbase = standing(lambda: CoinbaseProtocol(("BTC-USD",)), market_of("BTC-USD"))
    binance = standing(lambda: BinanceProtocol(("BTC-USDT",)), market_of("BTC-USDT"))
    with coinbase as first, binance as second:
        services = {"BTC-USD": first, "BTC-USDT": second}
        asked: dict[str, dict[str, object]] = {
            "coinbaseexchange": {
                "symbol": "BTC/USD",
                "live_url": first.stream_url,
                "history_url": first.history_url,
            },
            "binance": {
                "symbol": "BTC/USDT",
                "live_url": f"{second.stream_url}/ws",
                "history_url": f"{second.history_url}/api/v3",
            },
        }
        for one in asked.values():
            one |= {"since": milliseconds(START), "limit": LIMIT}
        sent = {}
        with client("ccxt", asked) as running:
            for symbol, service in services.items():
                running.subscribed(service, symbol)
                sent[symbol] = [service.trade(symbol) for _ in range(TRADES)]
            yield services, sent, running.answer()


@pytest.mark.parametrize(
    ("name", "symbol"), [("coinbaseexchange", "BTC-USD"), ("binance", "BTC-USDT")]
)
def test_ccxt_reads_trades_and_history(
    name: str, symbol: str, exchanges: tuple[dict[str, StandIn], dict[str, list[Trade]], Any]
) -> None:
    services, sent, found = exchanges
    theirs = symbol.replace("-", "/")
    assert found[name]["trades"] == [
        [theirs, str(one.number), milliseconds(one.at), float(one.price), float(one.size)]
        for one in sent[symbol]
    ]
    history = minutes(services[symbol], symbol, LIMIT)
    assert found[name]["history"] == [
        [milliseconds(candle.start), *figures(candle)] for candle in history
    ]
    assert len(history) == LIMIT
