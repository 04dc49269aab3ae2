"""Live prices that Yahoo pushes over a WebSocket. They follow each symbol's history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.domain.times import to_text
from producer.markets import market_of
from producer.sources import yahoo
from producer.sources.pushed.gaps import MOST_MINUTES
from producer.sources.pushed.history import first_instant
from producer.sources.pushed.messages import Alive, Message, Quote
from producer.sources.pushed.service import Feed, Service
from producer.sources.pushed.so_far import Listing
from producer.sources.yahoo_frames import tick_of
from producer.throttling import REQUESTS_PER_SECOND
from producer.wire import Bar, WireTick

NAME = "yfinance-live"
SERVICE = "Yahoo"
URL = "wss://streamer.finance.yahoo.com/?version=2"
INTERVAL_SECONDS = 0.25
BEAT_SECONDS = 15.0
_FEW = timedelta(days=4)


class YahooFeed(Feed):
    """The frames of Yahoo's price stream. Yahoo acknowledges nothing and forgets subscriptions, so
    they are repeated."""

    service = SERVICE
    acknowledges = False

    def __init__(self, url: str = URL, beat_seconds: float = BEAT_SECONDS) -> None:
        super().__init__(url)
        self.beat_seconds = beat_seconds

    def subscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """See Feed.subscribe."""
        return (json.dumps({"subscribe": list(symbols)}),) if symbols else ()

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """See Feed.unsubscribe."""
        return (json.dumps({"unsubscribe": list(symbols)}),) if symbols else ()

    def parsed(self, frame: str | bytes) -> Sequence[Message]:
        """See Feed.parsed."""
        tick = tick_of(frame)
        return (Alive(),) if tick is None else (Quote(tick),)


class YahooBars:
    """Asks Yahoo for historical bars, through yfinance. Prices are adjusted for splits."""

    most_minutes = MOST_MINUTES
    served_at: datetime | None = None

    def bars(self, symbol: str, bar: Bar, start: datetime, end: datetime) -> list[WireTick]:
        """See History.bars."""
        period = "2y" if bar == "1d" else _period_since(symbol, start)
        first, last = to_text(start), to_text(end)
        found = yahoo.bars(symbol, period, bar)
        return [tick for tick in found if tick.bar and first <= tick.timestamp < last]


def actions(symbol: str, _now: datetime) -> list[WireTick]:
    """Return the splits and dividends of the last two years. Raises the errors of `yahoo.bars`."""
    return [tick for tick in yahoo.bars(symbol, "2y", "1d") if tick.action is not None]


def _period_since(symbol: str, start: datetime) -> str:
    """Return Yahoo's shortest period of minutes that begins at `start` or before. If none begins so
    early, return the longest, `7d`."""
    now = datetime.now(UTC)
    if start >= first_instant(symbol, market_of(symbol).timezone, now):
        return "1d"
    return "5d" if now - start < _FEW else "7d"


def listing_of(symbol: str) -> Listing:
    """Return what the ticks of a symbol share. The currency comes with each quote."""
    return Listing(None, market_of(symbol).timezone, NAME)


def service(url: str | None = None) -> Service:
    """Return Yahoo's service. `url` replaces its address."""
    return Service(
        NAME,
        YahooFeed(url or URL),
        YahooBars(),
        listing_of,
        REQUESTS_PER_SECOND,
        split_today=yahoo.split_today,
        actions=actions,
    )
