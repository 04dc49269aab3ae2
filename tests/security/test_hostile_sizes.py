"""What a source of prices sends in bulk takes neither the producer's memory nor another's place."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from producer.hours import Always
from producer.sources import alpaca, binance, coinbase, yfinance_live
from producer.sources.pushed.connection import connect
from producer.sources.pushed.history import History
from producer.sources.pushed.http import MOST_VALUES, Unusable
from producer.sources.pushed.messages import BadFrame, Newest, Quote, Trade
from producer.sources.pushed.source import Pushed
from producer.status import Status
from producer.watchlist import FixedList
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.frames import pricing

KEYS = alpaca.Keys("id", "secret")
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@contextmanager
def answering(body: bytes) -> Iterator[tuple[str, list[str]]]:
    """A server with one compressed answer to everything, and what it was asked."""
    packed, asked = gzip.compress(body), list[str]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(packed)))
            self.end_headers()
            self.wfile.write(packed)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join(PATIENCE_SECONDS)


HISTORIES: dict[str, tuple[Callable[[str], History], str, bytes, bytes]] = {
    "coinbase": (coinbase.CoinbaseHistory, "BTC-USD", b"[", b"[0,0,0,0,0,0],"),
    "binance": (binance.BinanceHistory, "BTC-USDT", b"[", b"[],"),
    "alpaca": (
        lambda base: alpaca.AlpacaHistory(KEYS, "iex", base),
        "AAPL",
        b'{"bars":[',
        b'{"t":"2026-11-20T15:30:00Z","o":0,"h":0,"l":0,"c":0,"v":0},',
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_an_answer_of_more_values_than_history_has_is_refused(name: str) -> None:
    make, symbol, head, row = HISTORIES[name]
    body = head + row * (MOST_VALUES // 2)
    refused = pytest.raises(Unusable, match="more than 200,000 values")
    with answering(body[: 3 << 20]) as (base, _), refused:
        make(base).bars(symbol, "1m", NOW - timedelta(hours=1), NOW)


def test_pages_without_end_are_refused() -> None:
    refused = pytest.raises(Unusable, match="more than 20 pages")
    with answering(b'{"bars":[],"next_page_token":"x"}') as (base, asked), refused:
        alpaca.AlpacaHistory(KEYS, "iex", base).bars("AAPL", "1m", NOW, NOW)
    assert len(asked) == alpaca.MOST_PAGES


def test_a_message_far_larger_than_any_of_a_service_ends_the_connection() -> None:
    def push(connection: ServerConnection) -> None:
        connection.send("x" * (1 << 19) + "x")

    with serve(push, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        refused = pytest.raises(ConnectionClosed, match="too big")
        with connect(f"ws://127.0.0.1:{server.socket.getsockname()[1]}") as opened, refused:
            opened.recv(PATIENCE_SECONDS)
        server.shutdown()


@pytest.mark.parametrize(
    ("read", "frame"),
    [
        (
            coinbase.CoinbaseFeed(coinbase.URL).read,
            {
                "type": "match",
                "trade_id": 2**63,
                "price": "1",
                "product_id": "BTC-USD",
                "time": "2026-11-20T15:00:00Z",
            },
        ),
        (
            coinbase.CoinbaseFeed(coinbase.URL).read,
            {"type": "heartbeat", "product_id": "BTC-USD", "last_trade_id": 10**45},
        ),
        (
            binance.BinanceFeed().read,
            {"e": "aggTrade", "s": "BTCUSDT", "a": -1, "p": "1", "T": 1_790_000_000_000},
        ),
        (
            alpaca.AlpacaFeed(KEYS, "").read,
            [{"T": "t", "S": "AAPL", "p": 1, "x": "V" * 200, "t": "2026-11-20T15:00:00Z"}],
        ),
    ],
)
def test_numbers_and_keys_beyond_a_services_own_make_a_bad_frame(
    read: Callable[[str], object], frame: Any
) -> None:
    with pytest.raises(BadFrame):
        read(json.dumps(frame))


def source_of(service: Any, symbol: str) -> tuple[Pushed, Status]:
    """A source of a service, at a fixed time of day."""
    status = Status(lambda _event, _message: None)
    source = Pushed(service, FixedList((symbol,)), status, Always(), clock=lambda: NOW)
    source.follow()
    return source, status


def test_nothing_of_a_symbol_that_is_not_followed_is_kept() -> None:
    source, status = source_of(coinbase.service(), "BTC-USD")
    session: Any = source._session
    for number in range(20):
        name = f"N{number}-USD"
        trade = Trade(symbol=name, at="2026-11-20T15:00:00.000000Z", price=Decimal(1), number=1)
        assert not session.take_trade(trade)
        session.check_newest(Newest(name, 1))
    assert status.dropped == {"not followed": 40}
    kept = (session.numbering._newest, session.numbering._told, session._keys._kept)
    assert [*map(len, kept)] == [0, 0, 0]
    assert not source._waiting.take()
    assert not source._newest


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": "MSFT"}, "not followed"),
        ({"id": "Z" * 600_000}, "not followed"),
        ({"id": "AAPL", "currency": "U" * 300_000}, "malformed currency"),
        ({"id": "AAPL", "time": 1_890_000_000_000}, "in the future"),
    ],
)
def test_a_quote_of_yahoos_that_ingest_would_refuse_is_not_kept(
    fields: dict[str, Any], reason: str
) -> None:
    source, status = source_of(yfinance_live.service(), "AAPL")
    made = {"price": 1.0, "time": int(NOW.timestamp() * 1000), **fields}
    (quote,) = source._service.feed.read(pricing(**made))
    assert isinstance(quote, Quote)
    assert not source._session.take(quote)
    assert status.dropped == {reason: 1}
    assert not source._waiting.take()
