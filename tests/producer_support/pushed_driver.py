"""Runs a pushed source in one thread, with a simulated clock and a service in memory.

The service makes trades as time passes, whether or not its stream sends them. Its history has all.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from websockets.exceptions import ConnectionClosedError

from producer.hours import Always
from producer.passing import Passing
from producer.sources.pushed import http
from producer.sources.pushed.action_questions import Told
from producer.sources.pushed.history import LENGTHS, Candle, made, minute_at
from producer.sources.pushed.service import Service
from producer.sources.pushed.session import Session
from producer.sources.pushed.source import Pushed
from producer.status import Status
from producer.throttling import CircuitBreaker
from producer.watchlist import FixedList, Watchlist
from producer.wire import Bar, WireTick
from rigs.pushed_services.market import Market, Trade
from rigs.pushed_services.protocols import ServiceProtocol

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
_STEP = 0.5


class Driver:
    """A service in memory, and the source that follows it.

    If `is_mute` is set, the service answers but pushes nothing. If `is_away` is set, it refuses
    connections. The next requests for history raise `history_errors`. `skipping` is the number of
    trades that the stream leaves out.
    """

    def __init__(
        self,
        make_service: Callable[[], Service],
        make_protocol: Callable[[], ServiceProtocol],
        symbols: tuple[str, ...],
        *,
        hours: Any = None,
        seed: int = 1,
        gap_seconds: float = 2.0,
        history: bool = True,
        start: datetime = START,
        ahead_seconds: float = 0.0,
        actions: Told | None = None,
        watchlist: Watchlist | None = None,
    ) -> None:
        self.rng = random.Random(seed)
        self.market = Market(seed)
        self.seconds = 0.0
        self._start = start
        self.symbols = symbols
        self.is_mute = self.is_away = False
        self.skipping = 0
        self.history_errors: list[Exception] = []
        self.repeating = self.reordering = False
        self.is_stopped = False
        self.notes: list[str] = []
        self.states: list[str] = []
        self.asked: list[tuple[str, Bar, datetime, datetime]] = []
        self.ticks: list[WireTick] = []
        self.given: list[WireTick] = []
        self.connections = 0
        self._protocol: ServiceProtocol | None = None
        self._frames: deque[str | bytes] = deque()
        self._make_protocol = make_protocol
        self._next_trade = self._next_beat = self._next_look = 0.0
        self._gap = gap_seconds
        self._is_looking = False
        self._until = 0.0
        self._script: Callable[[], None] = lambda: None
        self._at: dict[float, Callable[[], object]] = {}
        service = make_service()
        self.listing = service.listing
        self.status = Status(self._told, now=self.now)
        rng = random.Random(seed)
        self.source = Pushed(
            Service(service.name, service.feed, self, service.listing, 5.0, actions=actions),
            watchlist or FixedList(symbols),
            self.status,
            hours or Always(),
            history=history,
            rng=rng,
            now=self.now,
            clock=lambda: self.clock() + timedelta(seconds=ahead_seconds),
            make_session=partial(
                Session, connect=self._connect, breaker=CircuitBreaker(rng=rng, now=self.now)
            ),
        )
        self.passing = Passing(self.source, self.status.drop, clock=self.clock)
        for symbol in symbols:  # a trade before the start, so that heartbeats have a number
            self.market.trade(symbol, self.clock() - timedelta(minutes=3))

    most_minutes = 300

    @property
    def served_at(self) -> datetime:
        """Return the service's time. Part of History."""
        return self.clock()

    def _told(self, event: str, message: str) -> None:
        self.notes.append(f"{event}: {message}")

    def now(self) -> float:
        """Return simulated monotonic seconds."""
        return self.seconds

    def clock(self) -> datetime:
        """Return the simulated time of day."""
        return self._start + timedelta(seconds=self.seconds)

    def bars(self, symbol: str, bar: Bar, start: datetime, end: datetime) -> list[WireTick]:
        """Return the market's bars. Part of History."""
        self.asked.append((symbol, bar, start, end))
        if self.history_errors:
            raise self.history_errors.pop(0)
        listing = self.listing(symbol)
        assert listing is not None
        found = [
            Candle(*candle)
            for candle in self.market.candles(symbol, start, end, LENGTHS[bar])
            if candle.start <= self.clock()  # the one in progress too
        ]
        return made(symbol, bar, listing, found, end)

    def is_set(self) -> bool:
        """Return whether the run is over. Stands for the source's event `stop`."""
        return self.is_stopped or self.seconds >= self._until

    def wait(self, seconds: float) -> bool:
        """Let time pass. Stands for the source's event `stop`."""
        ends = self.seconds + seconds
        while self.seconds < ends and not self.is_set():
            self.advance(max(0.001, min(_STEP, ends - self.seconds)))
        return self.is_set()

    def run(
        self,
        seconds: float,
        script: Callable[[], None] = lambda: None,
        at: Mapping[float, Callable[[], object]] | None = None,
    ) -> None:
        """Run one session for some seconds.

        `script` is called after each step of half a second. `at` holds functions by the second at
        which to call them once.
        """
        self._until = self.seconds + seconds
        self._script = script
        self._at = dict(at or {})
        self.source.follow()
        self.source._session.run(self)  # type: ignore[arg-type]
        self._look()

    def advance(self, seconds: float) -> None:
        """Let time pass: make the due trades and heartbeats, then read the source's ticks."""
        self.seconds += seconds
        while self._next_trade <= self.seconds:
            for symbol in self.symbols:
                self._trade(symbol)
            self._next_trade += self._gap * self.rng.uniform(0.1, 1.9)
        if self._protocol is not None and self._next_beat <= self.seconds:
            self._next_beat = self.seconds + 1.0
            self._push(self._protocol.beat(self.market, self.clock()))
        if self._next_look <= self.seconds and not self._is_looking:
            self._next_look = self.seconds + 1.0
            self._look()
        self._script()
        for due in [second for second in self._at if second <= self.seconds]:
            self._at.pop(due)()

    def _trade(self, symbol: str) -> None:
        trade = self.market.trade(symbol, self.clock())
        if self.skipping:
            self.skipping -= 1
        elif self._protocol is not None and symbol in self._protocol.subscribed:
            self._push([self._protocol.frame(trade)])

    def _push(self, frames: list[str]) -> None:
        if self.is_mute:
            return
        for frame in frames:
            self._frames.append(frame)
            if self.repeating:
                self._frames.append(frame)
            if self.reordering and len(self._frames) > 1:
                self._frames[-1], self._frames[-2] = self._frames[-2], self._frames[-1]

    def push(self, frame: str | bytes) -> None:
        """Push a frame of any content."""
        if self._protocol is not None:
            self._frames.append(frame)

    def be_mute(self) -> None:
        """Answer, but push nothing from now on."""
        self.is_mute = True

    def be_away(self) -> None:
        """Close the connection and accept none from now on."""
        self.is_away = True
        self.close()

    def return_(self) -> None:
        """Answer, push and accept connections again."""
        self.is_mute = self.is_away = False

    def close(self) -> None:
        """Close the connection."""
        self._protocol = None

    def _look(self) -> None:
        self._is_looking = True
        try:
            self.source.mend(self)  # type: ignore[arg-type]
            for batch in self.source.gathered():
                for tick in self.passing.of(batch):
                    (self.ticks if tick.is_live else self.given).append(tick)
        finally:
            self._is_looking = False
        self.states.append(self.status.state)

    @contextmanager
    def _connect(self, _url: str) -> Iterator[Driver]:
        self.advance(0.1)
        if self.is_away:
            raise ConnectionRefusedError
        self.connections += 1
        self._frames.clear()
        self._protocol = self._make_protocol()
        self._push(self._protocol.greeting())
        yield self
        self._protocol = None

    def send(self, text: str) -> None:
        """Answer a frame that the source sends. Part of the connection."""
        if self._protocol is None:
            raise ConnectionClosedError(None, None)
        self._push(self._protocol.answer(text))

    def recv(self, timeout: float) -> str | bytes:
        """Return the next frame. Part of the connection."""
        ends = self.seconds + timeout
        while True:
            if self._frames:
                return self._frames.popleft()
            if self._protocol is None:
                raise ConnectionClosedError(None, None)
            if self.seconds >= ends:
                raise TimeoutError
            self.advance(max(0.001, min(_STEP, ends - self.seconds)))


THROTTLED = http.Throttled("it answers 429: too many requests")
UNUSABLE = http.Unusable("an answer that is no list of candles")


def minute_of(tick: WireTick) -> int:
    """Return the number of the minute in which a tick or bar begins."""
    return minute_at(datetime.fromisoformat(tick.timestamp))


def bar_of_ticks(ticks: list[WireTick]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Return the open, high, low and close of ticks."""
    prices = [tick.price for tick in ticks]
    return prices[0], max(prices), min(prices), prices[-1]


def bar_of_trades(trades: list[Trade]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Return the open, high, low and close of trades."""
    prices = [trade.price for trade in trades]
    return prices[0], max(prices), min(prices), prices[-1]
