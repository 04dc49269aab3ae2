"""Binance: trades pushed over a WebSocket, and candles over REST. It needs no key.

Binance's symbols have no dash: our BTC-USDT is BTCUSDT there. Protocol:
https://github.com/binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count

import msgspec

from chalicelib.domain.payloads import UNREADABLE
from chalicelib.domain.times import from_epoch_seconds
from producer.sources.pushed import messages
from producer.sources.pushed.history import Candle, CandleHistory
from producer.sources.pushed.http import Http, Unusable
from producer.sources.pushed.service import Feed, Service
from producer.sources.pushed.so_far import Listing, pair_listing
from producer.sources.pushed.stamps import stored_milliseconds
from producer.wire import Bar, decimal_of
from producer.years import plausible

NAME = "binance"
SERVICE = "Binance"
URL = "wss://data-stream.binance.vision/ws"
HISTORY_URL = "https://data-api.binance.vision"
SYMBOLS = (
    "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "BNB-USDT", "DOGE-USDT", "ADA-USDT",
    "LINK-USDT", "AVAX-USDT", "LTC-USDT", "TRX-USDT", "XLM-USDT",
)  # fmt: skip
CANDLES = 1000
"""The most candles of an answer."""

REQUESTS_PER_SECOND = 5.0
"""A request for candles weighs 2 of the 6,000 that Binance allows in a minute."""

_STREAMS_A_FRAME = 200


class _Error(msgspec.Struct, frozen=True):
    code: int
    msg: str = ""


class _Frame(msgspec.Struct, frozen=True):
    """A message of Binance's streams: an aggregate trade, or the answer to a request."""

    e: str = ""
    s: str = ""
    a: messages.Number | None = None
    p: Decimal | None = None
    q: Decimal | None = None
    T: int = 0
    id: int | None = None
    error: _Error | None = None
    code: int | None = None
    msg: str = ""


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_candles = msgspec.json.Decoder(list[list[int | str]]).decode


class BinanceFeed(Feed):
    """The frames of Binance's streams. Trades of one order at one price count as one trade,
    numbered by symbol."""

    service = SERVICE

    def __init__(self, url: str = URL) -> None:
        super().__init__(url)
        self._ids = count(1)
        self._asked: dict[int, frozenset[str]] = {}
        self._accepted: frozenset[str] = frozenset()
        self._symbols: dict[str, str] = {}

    def opening(self) -> Sequence[str]:
        """See Feed.opening."""
        self._asked.clear()
        self._accepted = frozenset()
        return ()

    def subscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """See Feed.subscribe."""
        self._symbols |= {native(symbol): symbol for symbol in symbols}
        return self._requests("SUBSCRIBE", symbols)

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """See Feed.unsubscribe."""
        self._accepted -= frozenset(symbols)
        return self._requests("UNSUBSCRIBE", symbols)

    def _requests(self, method: str, symbols: Sequence[str]) -> Sequence[str]:
        frames = []
        for first in range(0, len(symbols), _STREAMS_A_FRAME):
            some = symbols[first : first + _STREAMS_A_FRAME]
            number = next(self._ids)
            if method == "SUBSCRIBE":
                self._asked[number] = frozenset(some)
            streams = [f"{native(symbol).lower()}@aggTrade" for symbol in some]
            frames.append(json.dumps({"method": method, "params": streams, "id": number}))
        return frames

    def parsed(self, frame: str | bytes) -> Sequence[messages.Message]:
        """See Feed.parsed."""
        told = _decode_frame(frame)
        if told.e == "aggTrade":
            return self._trade(told)
        error = told.error or (_Error(told.code, told.msg) if told.code is not None else None)
        if error is not None:
            return (messages.Refused(f"{error.code}: {error.msg[:200]}"),)
        if told.id is not None:
            self._accepted |= self._asked.pop(told.id, frozenset())
            return (messages.Accepted(self._accepted),)
        return ()

    def _trade(self, told: _Frame) -> Sequence[messages.Message]:
        symbol = self._symbols.get(told.s)
        price = decimal_of(told.p)
        if price is None or not told.T:
            raise ValueError("a trade without price or time")
        if symbol is None:
            return ()
        at = stored_milliseconds(told.T)
        return (
            messages.Trade(
                symbol=symbol, at=at, price=price, size=decimal_of(told.q), number=told.a
            ),
        )


class BinanceHistory(CandleHistory):
    """Asks Binance for historical candles. For a minute without trades Binance has a candle without
    volume, which is left out."""

    def __init__(self, base: str = HISTORY_URL) -> None:
        super().__init__(Http(SERVICE, base), listing_of, CANDLES)

    def asked(self, symbol: str, bar: Bar, first: datetime, last: datetime) -> list[Candle]:
        """See CandleHistory.asked."""
        body = self._http.get(
            "/api/v3/klines",
            {
                "symbol": native(symbol),
                "interval": bar,
                "startTime": _milliseconds(first),
                "endTime": _milliseconds(last),
                "limit": str(CANDLES),
            },
        )
        return [candle for candle in _candles(body) if candle.volume]


def _milliseconds(instant: datetime) -> str:
    return str(int(instant.timestamp() * 1000))


def _candles(body: bytes) -> list[Candle]:
    try:
        return [
            Candle(plausible(from_epoch_seconds(int(row[0]) / 1000)), *map(Decimal, row[1:6]))
            for row in _decode_candles(body)
        ]
    except (*UNREADABLE, ArithmeticError, ValueError, TypeError, IndexError) as error:
        raise Unusable(f"{SERVICE} gives something other than a list of candles") from error


def native(symbol: str) -> str:
    """Return Binance's name of a symbol: BTCUSDT for BTC-USDT."""
    return symbol.replace("-", "")


def listing_of(symbol: str) -> Listing | None:
    """Return what ticks of a pair share; None for a symbol that cannot be a pair."""
    return pair_listing(symbol, NAME)


def service(url: str | None = None, history_url: str | None = None) -> Service:
    """Return Binance's service. `url` and `history_url` replace its addresses."""
    return Service(
        NAME,
        BinanceFeed(url or URL),
        BinanceHistory(history_url or HISTORY_URL),
        listing_of,
        REQUESTS_PER_SECOND,
    )
