"""The interface for asking services for history, and functions that its implementations share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import EPOCH, to_text
from producer.sources.pushed.http import Http, Unusable
from producer.sources.pushed.so_far import Listing
from producer.wire import Bar, WireTick, decimal_of
from producer.workers import Workers

LENGTHS: dict[Bar, timedelta] = {
    "1m": timedelta(minutes=1),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}


_DAY = timedelta(days=1)


class History(Protocol):
    """The interface for asking a service for historical bars."""

    most_minutes: int
    """The most minutes that one call of `bars` should span."""

    @property
    def served_at(self) -> datetime | None:
        """Return the time of the last answer by the service's clock; None if unknown."""

    def bars(self, symbol: str, bar: Bar, start: datetime, end: datetime) -> list[WireTick]:
        """Return the bars that start in `[start, end)` and are over, in time order.

        Raises the errors of `producer.sources.pushed.http`, and OSError.
        """


class Candle(NamedTuple):
    """The prices and the volume of a bar. `start` is an aware UTC datetime."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class CandleHistory(ABC):
    """The history of a service that gives candles for a span of time. Services override `asked`,
    which returns the candles of a span that fits into one answer."""

    def __init__(
        self, http: Http, listing_of: Callable[[str], Listing | None], candles: int
    ) -> None:
        self._http = http
        self._listing_of = listing_of
        self.most_minutes = candles

    @property
    def served_at(self) -> datetime | None:
        """See History.served_at."""
        return self._http.served_at

    def bars(self, symbol: str, bar: Bar, start: datetime, end: datetime) -> list[WireTick]:
        """See History.bars. A bar without trades has no candle."""
        listing = self._listing_of(symbol)
        if listing is None:
            return []
        over = min(end, running(LENGTHS[bar]))
        found: list[Candle] = []
        for since, until in windows(start, over, LENGTHS[bar], self.most_minutes):
            candles = self.asked(symbol, bar, since, until - LENGTHS[bar])
            found += [candle for candle in candles if since <= candle.start < until]
        return made(symbol, bar, listing, found, over)

    @abstractmethod
    def asked(self, symbol: str, bar: Bar, first: datetime, last: datetime) -> list[Candle]:
        """Return the candles that start between two instants, both inclusive."""


def made(
    symbol: str, bar: Bar, listing: Listing, candles: Iterable[Candle], end: datetime
) -> list[WireTick]:
    """Convert candles that start before `end` to bars, sorted and without repeats. Raises Unusable
    if a price is missing, zero or negative."""
    found = {candle.start: candle for candle in candles if candle.start < end}
    return [_bar(symbol, bar, listing, found[start]) for start in sorted(found)]


def _bar(symbol: str, bar: Bar, listing: Listing, candle: Candle) -> WireTick:
    prices = [decimal_of(value) for value in candle[1:5]]
    if any(price is None or price <= 0 for price in prices):
        raise Unusable(f"{symbol}: a bar without prices")
    opened, high, low, close = prices
    return WireTick(
        symbol=symbol,
        timestamp=to_text(candle.start),
        price=close or Decimal(0),
        open=opened,
        high=high,
        low=low,
        volume=decimal_of(candle.volume),
        currency=listing.currency,
        exchange_timezone=listing.exchange_timezone,
        source=listing.source,
        mode="backfill",
        bar=bar,
    )


def windows(
    start: datetime, end: datetime, length: timedelta, most: int
) -> Iterator[tuple[datetime, datetime]]:
    """Split `[start, end)` into parts with at most `most` bars of a length each."""
    while start < end:
        until = min(end, start + length * most)
        yield start, until
        start = until


def running(length: timedelta) -> datetime:
    """Return the start of the bar in progress. Bars start at multiples of their length since 1970,
    UTC."""
    now = datetime.now(UTC)
    return now - (now - EPOCH) % length


def first_instant(symbol: str, zone: str, now: datetime) -> datetime:
    """Return the instant from which history is asked for when the producer starts. It is the
    beginning of the symbol's last session, or a day ago if the symbol trades round the clock."""
    calendar = calendar_for(symbol, zone)
    session = calendar.session_at(now)
    while not (session.is_trading_day and session.pre_open <= now):
        session = calendar.session_on(session.date - _DAY)
    return now - _DAY if session.close - session.pre_open >= _DAY else session.pre_open


def instant_of(minute: int) -> datetime:
    """Return the start of a minute. Minutes are counted from the epoch."""
    return EPOCH + timedelta(minutes=minute)


def minute_at(instant: datetime) -> int:
    """Return the minute in which an instant lies, counted from the epoch."""
    return (instant - EPOCH) // timedelta(minutes=1)


def midnight_of(instant: datetime) -> datetime:
    """Return the start of an instant's UTC day."""
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


DEADLINE_SECONDS = 60.0
"""The time limit of all requests of a call; each waits at most 15 s for an answer's next byte."""

_THREADS = 4
"""Threads for calls. One that is beyond its deadline keeps its thread until its answer ends."""


class Timely:
    """A history whose calls end at a deadline."""

    def __init__(self, history: History, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._history = history
        self._deadline = deadline_seconds
        self._workers: Workers[list[WireTick]] = Workers(_THREADS)
        self.most_minutes = history.most_minutes

    @property
    def served_at(self) -> datetime | None:
        """See History.served_at."""
        return self._history.served_at

    def bars(self, symbol: str, bar: Bar, start: datetime, end: datetime) -> list[WireTick]:
        """See History.bars. Raises TimeoutError after the deadline."""

        def ask(_: str) -> list[WireTick]:
            return self._history.bars(symbol, bar, start, end)

        answers = self._workers.ask(ask, [symbol], self._deadline, threading.Event())
        answer = answers[symbol]
        if isinstance(answer, Exception):
            raise answer
        return answer
