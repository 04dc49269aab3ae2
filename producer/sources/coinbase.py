"""Coinbase Exchange: trades pushed over a WebSocket, and candles over REST. It needs no key.

The channel `matches` has each trade with its size, numbered by product without holes. The channel
`ticker` leaves out some of the trades that one order caused. Protocol:
https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from chalicelib.domain.payloads import UNREADABLE
from chalicelib.domain.times import from_epoch_seconds
from producer.sources.pushed import messages
from producer.sources.pushed.history import LENGTHS, Candle, CandleHistory
from producer.sources.pushed.http import Http, Unusable
from producer.sources.pushed.service import Feed, Service
from producer.sources.pushed.so_far import PAIR, Listing, pair_listing
from producer.sources.pushed.stamps import stored
from producer.wire import Bar, decimal_of
from producer.years import plausible

NAME = "coinbase"
SERVICE = "Coinbase"
URL = "wss://ws-feed.exchange.coinbase.com"
HISTORY_URL = "https://api.exchange.coinbase.com"
SYMBOLS = (
    "BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "DOGE-USD", "ADA-USD", "LINK-USD", "AVAX-USD",
    "LTC-USD", "BCH-USD", "DOT-USD", "XLM-USD",
)  # fmt: skip
CANDLES = 300
"""The most candles of an answer."""

REQUESTS_PER_SECOND = 5.0
"""Half of what Coinbase allows."""

_CHANNELS = ["matches", "heartbeat"]
_NAMED = re.compile(rf"{PAIR.pattern}(?= is not a valid product)")
_TRADES = ("match", "last_match")


class _Channel(msgspec.Struct, frozen=True):
    name: str
    product_ids: list[str] = []


class _Frame(msgspec.Struct, frozen=True):
    """A message of Coinbase's stream. It has the fields that we read of all kinds of messages."""

    type: str
    product_id: str = ""
    trade_id: messages.Number | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    time: str = ""
    last_trade_id: messages.Number = 0
    channels: list[_Channel] = []
    message: str = ""
    reason: str = ""


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_candles = msgspec.json.Decoder(
    list[tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]]
).decode


class CoinbaseFeed(Feed):
    """The frames of Coinbase's channel `matches`."""

    service = SERVICE

    def subscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """See Feed.subscribe."""
        return _request("subscribe", symbols)

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """See Feed.unsubscribe."""
        return _request("unsubscribe", symbols)

    def parsed(self, frame: str | bytes) -> Sequence[messages.Message]:
        """See Feed.parsed."""
        told = _decode_frame(frame)
        if told.type in _TRADES:
            return (_trade(told),)
        if told.type == "heartbeat":
            if told.last_trade_id:
                return (messages.Newest(told.product_id, told.last_trade_id),)
            return (messages.Alive(),)
        if told.type == "subscriptions":
            return (_accepted(told.channels),)
        if told.type == "error":
            return (_refusal(f"{told.message}: {told.reason}" if told.reason else told.message),)
        return ()


def _request(kind: str, symbols: Sequence[str]) -> Sequence[str]:
    if not symbols:
        return ()
    return (json.dumps({"type": kind, "product_ids": list(symbols), "channels": _CHANNELS}),)


def _trade(told: _Frame) -> messages.Trade:
    price = decimal_of(told.price)
    if price is None or not told.product_id:
        raise ValueError("a match without product or price")
    return messages.Trade(
        symbol=told.product_id,
        at=stored(told.time),
        price=price,
        size=decimal_of(told.size),
        number=told.trade_id,
    )


def _accepted(channels: Sequence[_Channel]) -> messages.Accepted:
    """Return the products to which every channel is subscribed."""
    found = {channel.name: frozenset(channel.product_ids) for channel in channels}
    lists = [found.get(name, frozenset()) for name in _CHANNELS]
    return messages.Accepted(frozenset.intersection(*lists))


def _refusal(why: str) -> messages.Message:
    """Convert the text of an error to a message. It is Unknown if the text names a product, because
    of which Coinbase refuses the whole subscription; else it is Refused."""
    why = why[:200]
    named = _NAMED.search(why)
    return messages.Unknown(named[0], why) if named else messages.Refused(why)


class CoinbaseHistory(CandleHistory):
    """Asks Coinbase for historical candles. A minute without trades has no candle."""

    def __init__(self, base: str = HISTORY_URL) -> None:
        super().__init__(Http(SERVICE, base), listing_of, CANDLES)

    def asked(self, symbol: str, bar: Bar, first: datetime, last: datetime) -> list[Candle]:
        """See CandleHistory.asked."""
        granularity = str(int(LENGTHS[bar].total_seconds()))
        stretch = {"start": first.isoformat(), "end": last.isoformat()}
        path = f"/products/{symbol}/candles"
        return _candles(self._http.get(path, {"granularity": granularity, **stretch}))


def _candles(body: bytes) -> list[Candle]:
    try:
        return [
            Candle(plausible(from_epoch_seconds(at)), opened, high, low, close, volume)
            for at, low, high, opened, close, volume in _decode_candles(body)
        ]
    except (*UNREADABLE, ValueError, OverflowError) as error:
        raise Unusable(f"{SERVICE} gives something other than a list of candles") from error


def listing_of(symbol: str) -> Listing | None:
    """Return what ticks of a pair share; None for a symbol that cannot be a pair."""
    return pair_listing(symbol, NAME)


def service(url: str | None = None, history_url: str | None = None) -> Service:
    """Return Coinbase's service. `url` and `history_url` replace its addresses."""
    return Service(
        NAME,
        CoinbaseFeed(url or URL),
        CoinbaseHistory(history_url or HISTORY_URL),
        listing_of,
        REQUESTS_PER_SECOND,
    )


def answers(history_url: str | None = None) -> None:
    """Ask Coinbase for one candle of BTC-USD. Raises the errors of `History.bars` if it does not
    answer."""
    now = datetime.now(UTC)
    CoinbaseHistory(history_url or HISTORY_URL).bars(
        "BTC-USD", "1m", now - timedelta(minutes=3), now
    )
