"""Keeps a connection to a service that pushes prices, and opens a new one whenever it is lost.

Each connection subscribes and waits for the acknowledgement. Services are known to keep sockets
open and mute for hours (alpaca-py issue 740). So a watchdog ends a connection that is mute while
prices are expected. The next attempt comes after a random wait (full jitter), or after minutes if
the service refuses.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence

from websockets.exceptions import InvalidStatus, WebSocketException

from producer.backoff import Backoff
from producer.errors import SourceError
from producer.reasons import reason
from producer.sources.pushed import messages
from producer.sources.pushed.connection import (
    Connect,
    Connection,
    Listener,
    Lost,
    Throttled,
    Timings,
    connect,
)
from producer.sources.pushed.conversation import Conversation
from producer.sources.pushed.numbering import Keys, Numbering
from producer.sources.pushed.service import Feed
from producer.status import Status
from producer.throttling import CircuitBreaker

_THROTTLED = (401, 403, 418, 429, 451)
_UNKNOWN_SECONDS = 3600.0


class Session:
    """Keeps one connection after another to the service of a feed. `quiet()` returns whether no
    prices are expected, since all markets are closed. `now` returns monotonic seconds."""

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
        self.feed = feed
        self.status = status
        self._listener = listener
        self._quiet = quiet
        self.timings = timings or Timings()
        self._connect = connect
        self._backoff = backoff or Backoff(1.0, 60.0, random.Random())  # noqa: S311 - jitter
        self._breaker = breaker or CircuitBreaker()
        self.now = now
        self._wanted: tuple[str, ...] = ()
        self._followed: frozenset[str] = frozenset()
        self._unknown: dict[str, float] = {}
        self._most: int | None = None
        self.numbering = Numbering()
        self._keys = Keys()
        self._was_live = False

    def follow(self, symbols: Sequence[str]) -> None:
        """Set the symbols to which the session subscribes."""
        self._wanted = tuple(symbols)
        self._followed = frozenset(symbols)

    def run(self, stop: threading.Event) -> None:
        """Receive messages until `stop` is set. Raises SourceError if the service refuses the keys
        before any subscription succeeded."""
        while not stop.is_set():
            if not self._wanted:
                stop.wait(self.timings.receive)
                continue
            delay = self._once(stop)
            if not stop.is_set():
                self.status.say(f"reconnecting to {self.feed.service} in {delay:.1f} s")
                stop.wait(delay)

    def _once(self, stop: threading.Event) -> float:
        """Use one connection until it ends. Return the seconds until the next attempt."""
        conversation = Conversation(self, self.now())
        try:
            with self._connect(self.feed.url) as socket:
                self._converse(conversation, socket, stop)
        except (OSError, WebSocketException, Lost) as error:
            if not stop.is_set():
                told = f"the stream from {self.feed.service} was lost ({reason(error)})"
                self.status.problem(f"{told}; connecting again", error)
            is_refusal = isinstance(error, Throttled) or _status_of(error) in _THROTTLED
            return self._breaker.refused() if is_refusal else self._backoff.failed()
        return 0.0

    def _converse(
        self, conversation: Conversation, socket: Connection, stop: threading.Event
    ) -> None:
        """Exchange frames until the connection ends. The listener hears of the end before the
        connection is closed, since closing takes time."""
        try:
            conversation.begin(socket)
            while not stop.is_set():
                conversation.step(socket, stop)
        finally:
            self._listener.lost(self.now() - conversation.heard_at)

    def allowed(self) -> tuple[str, ...]:
        """Return the symbols to subscribe to now. They are those that the service knows, and no
        more than it accepts."""
        now = self.now()
        self._unknown = {name: until for name, until in self._unknown.items() if until > now}
        known = tuple(name for name in self._wanted if name not in self._unknown)
        return known if self._most is None else known[: self._most]

    def refuse(self, message: messages.Refused) -> None:
        """Raise an error for a refusal by the service. It is SourceError if the service refuses the
        keys before any subscription succeeded, else Throttled."""
        told = f"{self.feed.service} refuses: {message.why}"
        if message.of_keys and not self._was_live:
            raise SourceError(told)
        raise Throttled(told)

    def limit(self, message: messages.TooMany) -> None:
        """Follow only as many symbols as the service accepts, and report the other symbols."""
        if self._most == message.most:
            return
        left = self._wanted[message.most :]
        self._most = message.most
        self.status.problem(
            f"{self.feed.service} takes {message.most} symbols ({message.why}); "
            f"not followed: {', '.join(left)}"
        )

    def put_off(self, symbol: str, why: str) -> None:
        """Leave out a symbol for an hour, since the service does not know it. Do nothing if the
        symbol is not followed or already left out."""
        if symbol not in self._followed or symbol in self._unknown:
            return
        self._unknown[symbol] = self.now() + _UNKNOWN_SECONDS
        self.status.problem(f"{symbol}: {self.feed.service} knows no such symbol ({why})")

    def doubt(self, silent_seconds: float) -> None:
        """Tell the listener after a long silence that trades may be missing. Do nothing if the
        trades are numbered or no prices are expected."""
        is_long = silent_seconds >= self.timings.doubt
        if is_long and self.feed.is_silence_doubtful and not self._quiet():
            self._listener.doubted(silent_seconds)

    def check_silence(self, heard_at: float, priced_at: float) -> None:
        """Raise Lost if no message or no price came for too long while prices are expected. The
        last message came at `heard_at`, the last price at `priced_at`."""
        now, timings = self.now(), self.timings
        if now - heard_at < timings.stall and now - priced_at < timings.priceless:
            return
        if self._quiet():
            return
        if now - heard_at >= timings.stall:
            raise Lost(f"nothing came for {timings.stall:g} s")
        raise Lost(f"no price came for {timings.priceless:g} s")

    def take_trade(self, trade: messages.Trade) -> bool:
        """Pass a trade on to the listener, unless it is flawed or repeated. Return whether it was
        passed on.

        Trades that are missing before it are recorded. If it is flawed, only its number is used.
        """
        if self._is_flawed(trade):
            if trade.number is not None and self.numbering.pass_over(trade.symbol, trade.number):
                self._listener.missed(trade.symbol, 1)
            return False
        self.succeeded()
        missed = self._missed_before(trade)
        if missed is None:
            self.status.drop("repeated or late trade")
            return False
        if missed:
            self._listener.missed(trade.symbol, missed)
        self._listener.take(trade)
        return True

    def _is_flawed(self, heard: messages.Heard) -> bool:
        """Return whether a message is flawed or its symbol is not followed; if so, count the
        reason."""
        symbol, _ = messages.named(heard)
        flaw = self._listener.flaw_of(heard) if symbol in self._followed else "not followed"
        if flaw is not None:
            self.status.drop(flaw)
        return flaw is not None

    def _missed_before(self, trade: messages.Trade) -> int | None:
        """Return how many trades are missing before a trade; None if the trade is repeated or
        late."""
        if trade.number is not None:
            return self.numbering.missed_before(trade.symbol, trade.number)
        is_new = trade.key is None or self._keys.is_new(trade.symbol, trade.key)
        return 0 if is_new else None

    def take(self, heard: messages.Quote | messages.MinuteVolume) -> bool:
        """Pass a message on to the listener, unless it is flawed. Return whether it was passed
        on."""
        if self._is_flawed(heard):
            return False
        self.succeeded()
        self._listener.take(heard)
        return True

    def check_newest(self, told: messages.Newest) -> None:
        """Raise Lost if trades that heartbeats have announced do not come."""
        if told.symbol not in self._followed:
            self.status.drop("not followed")
            return
        self.succeeded()
        if self.numbering.is_behind(told.symbol, told.number):
            raise Lost(f"heartbeats tell of trades of {told.symbol} that do not come")

    def succeeded(self) -> None:
        """Forget the failed attempts, so that the next wait is short."""
        self._backoff.succeeded()
        self._breaker.answered()

    def become_live(self, symbols: frozenset[str]) -> None:
        """Record that the service has acknowledged the subscription to these symbols."""
        self._was_live = True
        self._listener.live(symbols)


def _status_of(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, InvalidStatus) else None
