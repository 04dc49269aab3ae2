"""Keeps a connection to a service that pushes prices, and makes it again whenever it is lost.

Each connection subscribes and waits for the acknowledgement. A watchdog ends one that is open and
mute while prices are expected: services are known to keep such sockets open for hours (alpaca-py
issue 740). The next attempt comes after a random wait (full jitter), or after minutes if the
service refuses.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, cast

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import connect as connect_socket

from producer.backoff import Backoff
from producer.errors import ProducerError, SourceError
from producer.reasons import reason
from producer.sources.pushed import messages
from producer.sources.pushed.feed import Feed
from producer.sources.pushed.numbering import Keys, Numbering
from producer.status import Status
from producer.throttling import CircuitBreaker

_THROTTLED = (401, 403, 418, 429, 451)
_UNKNOWN_SECONDS = 3600.0
_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 1.0
_PACE_SECONDS = 0.3
"""Between two of our frames: Binance ends connections that send more than five a second."""

_SILENT = logging.getLogger("producer.websockets")
_SILENT.disabled = True  # frames, which hold keys, must not be logged


class Timings(msgspec.Struct, frozen=True):
    """Seconds that end a connection: without a message (`stall`), without a price although
    heartbeats come (`priceless`), without an `acknowledgement`. `doubt`: after as long without a
    message, trades without numbers may be missing. `receive`: one wait for a frame.
    """

    stall: float = 60.0
    priceless: float = 600.0
    doubt: float = 20.0
    acknowledgement: float = 10.0
    receive: float = 0.5


class Connection(Protocol):
    """An open WebSocket."""

    def send(self, text: str) -> None:
        """Send a frame."""

    def recv(self, timeout: float) -> str | bytes:
        """Return the next frame. Raises TimeoutError, and ConnectionClosed at its end."""


Connect = Callable[[str], AbstractContextManager[Connection]]


class Listener(Protocol):
    """Receives what a session hears, in its thread."""

    def take(self, heard: messages.Heard) -> None:
        """Take a price, or the volume of a minute whose trades were taken."""

    def lost(self, silent_seconds: float) -> None:
        """Note that nothing came for this long and that nothing comes from now on."""

    def live(self, symbols: frozenset[str]) -> None:
        """Note that every trade of these symbols comes from now on."""

    def missed(self, symbol: str, trades: int) -> None:
        """Note that trades of a symbol are missing before the next one taken."""

    def doubted(self, silent_seconds: float) -> None:
        """Note that nothing came for this long, and that trades may be missing."""

    def unknown(self, symbol: str) -> None:
        """Note that the service does not know a symbol."""


class Lost(ProducerError):  # noqa: N818 - a state that passes
    """The connection is of no use any more."""


class Throttled(Lost):
    """The service asks for fewer connections."""


def connect(url: str) -> AbstractContextManager[Connection]:
    """Open a WebSocket whose frames are never logged."""
    opened = connect_socket(
        url, open_timeout=_OPEN_SECONDS, close_timeout=_CLOSE_SECONDS, logger=_SILENT
    )
    return cast("AbstractContextManager[Connection]", opened)


class Session:
    """One connection after another to the feed's service.

    `quiet()` says that no prices are expected, since all markets are closed. `now` returns
    monotonic seconds.
    """

    def __init__(
        self,
        feed: Feed,
        status: Status,
        listener: Listener,
        *,
        quiet: Callable[[], bool] = lambda: False,
        timings: Timings | None = None,
        connect: Connect = connect,
        backoff: Backoff | None = None,
        breaker: CircuitBreaker | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feed = feed
        self._status = status
        self._listener = listener
        self._quiet = quiet
        self._timings = timings or Timings()
        self._connect = connect
        self._backoff = backoff or Backoff(1.0, 60.0, random.Random())  # noqa: S311 - jitter
        self._breaker = breaker or CircuitBreaker()
        self._now = now
        self._wanted: tuple[str, ...] = ()
        self._unknown: dict[str, float] = {}
        self._most: int | None = None
        self._numbering = Numbering()
        self._keys = Keys()
        self._was_live = False

    def follow(self, symbols: Sequence[str]) -> None:
        """Set the symbols to subscribe to."""
        self._wanted = tuple(symbols)

    def run(self, stop: threading.Event) -> None:
        """Receive until `stop` is set.

        Raises SourceError if the service refuses the keys before any subscription succeeded.
        """
        while not stop.is_set():
            if not self._wanted:
                stop.wait(self._timings.receive)
                continue
            delay = self._once(stop)
            if not stop.is_set():
                self._status.say(f"reconnecting to {self._feed.service} in {delay:.1f} s")
                stop.wait(delay)

    def _once(self, stop: threading.Event) -> float:
        """Keep one connection for as long as it is of use; return the seconds until the next."""
        conversation = _Conversation(self, self._now())
        try:
            with self._connect(self._feed.url) as socket:
                conversation.begin(socket)
                while not stop.is_set():
                    conversation.step(socket, stop)
        except (OSError, WebSocketException, Lost) as error:
            if not stop.is_set():
                told = f"the stream from {self._feed.service} was lost ({reason(error)})"
                self._status.problem(f"{told}; connecting again", error)
            is_refusal = isinstance(error, Throttled) or _status_of(error) in _THROTTLED
            return self._breaker.refused() if is_refusal else self._backoff.failed()
        finally:
            self._listener.lost(self._now() - conversation.heard_at)
        return 0.0

    def allowed(self) -> tuple[str, ...]:
        """Return the symbols to subscribe to now: without those that the service does not know."""
        now = self._now()
        self._unknown = {name: until for name, until in self._unknown.items() if until > now}
        known = tuple(name for name in self._wanted if name not in self._unknown)
        return known if self._most is None else known[: self._most]

    def refuse(self, message: messages.Refused) -> None:
        """Raise what a refusal means."""
        told = f"{self._feed.service} refuses: {message.why}"
        if message.of_keys and not self._was_live:
            raise SourceError(told)
        raise Throttled(told)

    def limit(self, message: messages.TooMany) -> None:
        """Follow fewer symbols from now on."""
        left = self._wanted[message.most :]
        self._most = message.most
        self._status.problem(
            f"{self._feed.service} takes {message.most} symbols ({message.why}); "
            f"not followed: {', '.join(left)}"
        )

    def put_off(self, symbol: str, why: str) -> None:
        """Leave a symbol out for an hour."""
        self._unknown[symbol] = self._now() + _UNKNOWN_SECONDS
        self._status.problem(f"{symbol}: {self._feed.service} knows no such symbol ({why})")
        self._listener.unknown(symbol)

    def doubt(self, silent_seconds: float) -> None:
        """Note that nothing came for so long that trades may be missing, where nothing tells."""
        is_long = silent_seconds >= self._timings.doubt
        if is_long and self._feed.is_silence_doubtful and not self._quiet():
            self._listener.doubted(silent_seconds)

    def check_silence(self, heard_at: float, priced_at: float) -> None:
        """Raise Lost if a connection is mute since the one instant, or without prices since the
        other, although prices are expected."""
        now, timings = self._now(), self._timings
        if now - heard_at < timings.stall and now - priced_at < timings.priceless:
            return
        if self._quiet():
            return
        if now - heard_at >= timings.stall:
            raise Lost(f"nothing came for {timings.stall:g} s")
        raise Lost(f"no price came for {timings.priceless:g} s")

    def take_trade(self, trade: messages.Trade) -> None:
        """Pass a trade on, unless it is repeated; note the trades missing before it."""
        self.succeeded()
        missed = self._missed_before(trade)
        if missed is None:
            self._status.drop("repeated or late trade")
            return
        if missed:
            self._listener.missed(trade.symbol, missed)
        self._listener.take(trade)

    def _missed_before(self, trade: messages.Trade) -> int | None:
        """Return how many trades are missing before one; None if it is repeated or late."""
        if trade.number is not None:
            return self._numbering.missed_before(trade.symbol, trade.number)
        is_new = trade.key is None or self._keys.is_new(trade.symbol, trade.key)
        return 0 if is_new else None

    def take(self, heard: messages.Quote | messages.MinuteVolume) -> None:
        """Pass something on."""
        self.succeeded()
        self._listener.take(heard)

    def check_newest(self, told: messages.Newest) -> None:
        """Raise Lost if trades do not come although heartbeats tell of them."""
        self.succeeded()
        if self._numbering.is_behind(told.symbol, told.number):
            raise Lost(f"heartbeats tell of trades of {told.symbol} that do not come")

    def succeeded(self) -> None:
        """Forget failed attempts."""
        self._backoff.succeeded()
        self._breaker.answered()

    def become_live(self, symbols: frozenset[str]) -> None:
        """Note that a subscription is complete."""
        self._was_live = True
        self._listener.live(symbols)

    def start_numbering(self) -> None:
        """Begin a connection's numbers."""
        self._numbering.begin()

    @property
    def feed(self) -> Feed:
        """Return the feed."""
        return self._feed

    @property
    def timings(self) -> Timings:
        """Return the timings."""
        return self._timings

    @property
    def status(self) -> Status:
        """Return the status."""
        return self._status

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._now()


class _Conversation:
    """The state of one connection."""

    def __init__(self, session: Session, now: float) -> None:
        self._session = session
        self._feed = session.feed
        self.heard_at = self._priced_at = now
        self._is_ready = not self._feed.greets
        self._subscribed: tuple[str, ...] = ()
        self._accepted: frozenset[str] = frozenset()
        self._live: frozenset[str] = frozenset()
        self._due_at: float | None = None
        self._beat_at = now
        session.start_numbering()

    def begin(self, socket: Connection) -> None:
        """Send what comes before subscriptions."""
        self.heard_at = self._priced_at = self._session.now()
        for frame in self._feed.opening():
            socket.send(frame)
        if not self._is_ready:
            self._due_at = self.heard_at + self._session.timings.acknowledgement

    def step(self, socket: Connection, stop: threading.Event) -> None:
        """Subscribe if something changed, then handle one frame. Raises Lost at the end of use."""
        self._subscribe(socket, stop)
        try:
            frame = socket.recv(self._session.timings.receive)
        except TimeoutError:
            frame = None
        except ConnectionClosed as closed:
            raise Lost(reason(closed)) from closed
        if frame is not None:
            self._hear(frame)
        if self._due_at is not None and self._session.now() >= self._due_at:
            seconds = self._session.timings.acknowledgement
            what = "the subscription was" if self._is_ready else "we were"
            raise Lost(f"{what} not acknowledged within {seconds:g} s")
        self._session.check_silence(self.heard_at, self._priced_at)

    def _subscribe(self, socket: Connection, stop: threading.Event) -> None:
        allowed = self._session.allowed()
        if not self._is_ready:
            return
        beat = self._feed.beat_seconds
        is_due = beat is not None and self._session.now() >= self._beat_at
        if allowed == self._subscribed and not is_due:
            return
        gone = [name for name in self._subscribed if name not in allowed]
        new = [name for name in allowed if is_due or name not in self._subscribed]
        frames = [*self._feed.unsubscribe(gone), *self._feed.subscribe(new)]
        for number, frame in enumerate(frames):
            if number and stop.wait(_PACE_SECONDS):
                return
            socket.send(frame)
        self._subscribed = allowed
        self._live &= frozenset(allowed)
        self._beat_at = self._session.now() + (beat or 0.0)
        if not self._feed.acknowledges:
            self._accept(frozenset(allowed))
        elif not self._live.issuperset(allowed):
            self._due_at = self._session.now() + self._session.timings.acknowledgement

    def _hear(self, frame: str | bytes) -> None:
        try:
            found = self._feed.read(frame)
        except messages.BadFrame as error:
            self._session.status.drop(f"bad frame: {error}")
            return
        if found:
            now = self._session.now()
            self._session.doubt(now - self.heard_at)
            self.heard_at = now
        for message in found:
            self._handle(message)

    def _handle(self, message: messages.Message) -> None:
        match message:
            case messages.Trade():
                self._priced()
                self._session.take_trade(message)
            case messages.Quote() | messages.MinuteVolume():
                self._priced()
                self._session.take(message)
            case messages.Newest():
                self._session.check_newest(message)
            case messages.Ready():
                self._is_ready, self._due_at = True, None
            case messages.Accepted():
                self._accept(message.symbols)
            case messages.Unknown():
                self._session.put_off(message.symbol, message.why)
                self._subscribed, self._due_at = tuple(self._live), None
            case messages.TooMany():
                self._session.limit(message)
                self._subscribed, self._due_at = tuple(self._live), None
            case messages.Refused():
                self._session.refuse(message)

    def _priced(self) -> None:
        self._priced_at = self.heard_at

    def _accept(self, symbols: frozenset[str]) -> None:
        self._accepted = symbols
        if symbols.issuperset(self._subscribed):
            self._due_at = None
        new = symbols.intersection(self._subscribed) - self._live
        if new:
            self._live |= new
            self._session.become_live(new)


def _status_of(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, InvalidStatus) else None
