"""A connection to Yahoo's price stream that reconnects by itself.

yfinance's own loop spins after a clean close and never reconnects after an abort. This one has a
heartbeat, a stall watchdog, reconnection with full jitter, and subscribes again each time.
"""

from __future__ import annotations

import json
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from producer.backoff import Backoff
from producer.reasons import reason
from producer.status import Status
from producer.throttling import CircuitBreaker

HEARTBEAT_SECONDS = 15.0
STALL_SECONDS = 60.0
_RECEIVE_SECONDS = 0.5
_OPEN_SECONDS = 10.0
_THROTTLED = (401, 429)


class YahooSocket:
    """Receives frames over one connection after another.

    A connection ends after `stall_seconds` without a frame, unless `quiet()` says that none are
    expected.
    """

    def __init__(
        self,
        url: str,
        status: Status,
        quiet: Callable[[], bool] = lambda: False,
        *,
        stall_seconds: float = STALL_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        backoff: Backoff | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self._url = url
        self._status = status
        self._quiet = quiet
        self._stall = stall_seconds
        self._heartbeat = heartbeat_seconds
        self._backoff = backoff or Backoff(1.0, 60.0, random.Random())  # noqa: S311 - jitter
        self._breaker = breaker or CircuitBreaker()
        self._wanted: tuple[str, ...] = ()

    def follow(self, symbols: Sequence[str]) -> None:
        """Set the symbols to subscribe to, at the next heartbeat at the latest."""
        self._wanted = tuple(symbols)

    def run(self, frames: queue.Queue[str | bytes], stop: threading.Event) -> None:
        """Put frames into a queue until `stop` is set."""
        while not stop.is_set():
            try:
                with connect(self._url, open_timeout=_OPEN_SECONDS, close_timeout=1) as socket:
                    self._status.say("live")
                    for frame in self._frames(socket, stop):
                        frames.put(frame)
            except (OSError, WebSocketException) as error:
                self._lost(reason(error), error)
                delay = self._delay_after(error)
            else:
                delay = self._backoff.failed()
            if not stop.is_set():
                self._status.say(f"reconnecting to Yahoo in {delay:.1f} s")
                stop.wait(delay)

    def _delay_after(self, error: Exception) -> float:
        """Return the seconds until the next attempt: minutes after 429 and 401, less after other
        losses."""
        if isinstance(error, InvalidStatus) and error.response.status_code in _THROTTLED:
            return self._breaker.refused()
        return self._backoff.failed()

    def _lost(self, why: str, error: Exception | None = None) -> None:
        self._status.problem(f"the stream from Yahoo was lost ({why}); connecting again", error)

    def _frames(self, socket: ClientConnection, stop: threading.Event) -> Iterator[str | bytes]:
        """Yield frames of one connection until it closes or stalls."""
        subscribed: tuple[str, ...] = ()
        heard = time.monotonic()
        beat = 0.0
        while not stop.is_set():
            now = time.monotonic()
            if now >= beat or subscribed != self._wanted:
                subscribed, beat = self._subscribe(socket, subscribed), now + self._heartbeat
            try:
                frame = socket.recv(timeout=_RECEIVE_SECONDS)
            except TimeoutError:
                if now - heard < self._stall or self._quiet():
                    continue
                return self._lost(f"nothing came for {self._stall:g} s")
            except ConnectionClosed as closed:
                return self._lost(reason(closed), closed)
            heard = time.monotonic()
            self._backoff.succeeded()
            self._breaker.answered()
            yield frame

    def _subscribe(self, socket: ClientConnection, before: tuple[str, ...]) -> tuple[str, ...]:
        """Subscribe again (Yahoo forgets), and unsubscribe from unwanted symbols."""
        wanted = self._wanted
        gone = [symbol for symbol in before if symbol not in wanted]
        if gone:
            socket.send(json.dumps({"unsubscribe": gone}))
        if wanted:
            socket.send(json.dumps({"subscribe": list(wanted)}))
        return wanted
