"""Live prices that Yahoo pushes over a WebSocket."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from producer.backoff import Backoff
from producer.reasons import reason
from producer.sources import yahoo
from producer.sources.yahoo_frames import BadFrame, tick_of
from producer.sources.yahoo_history import History
from producer.sources.yahoo_socket import YahooSocket
from producer.split_watch import SplitWatch
from producer.status import Status
from producer.throttling import CircuitBreaker
from producer.watchlist import Watchlist
from producer.wire import WireTick

URL = "wss://streamer.finance.yahoo.com/?version=2"
_BATCH_SECONDS = 0.25
_MOST_WAITING = 100_000


class YfinanceLive:
    """Yahoo's pushed prices of the symbols, after each one's history.

    The stream stays open while exchanges are closed; silence is then not a fault.
    """

    name = "yfinance-live"
    recorded = False
    needs_hygiene = True

    def __init__(
        self,
        watchlist: Watchlist,
        status: Status,
        hours: yahoo.Hours,
        *,
        url: str = URL,
        history: bool = True,
        socket: YahooSocket | None = None,
        restart: Backoff | None = None,
    ) -> None:
        self._watchlist = watchlist
        self._status = status
        self._hours = hours
        self._history = History(status) if history else None
        self._socket = socket or YahooSocket(url, status, self._all_closed)
        self._breaker = CircuitBreaker()
        self._known: set[str] = set()
        self._splits = SplitWatch(status, yahoo.split_today)
        self._restart = restart or Backoff(1.0, 60.0, random.Random())  # noqa: S311 - jitter
        self._frames: queue.Queue[str | bytes] = queue.Queue(_MOST_WAITING)
        self.drops = watchlist.drops
        self.followed: Sequence[str] = ()

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """Yield history of new symbols, and every quarter of a second the prices since."""
        receiver = threading.Thread(
            target=self._receive, args=(stop,), name="yahoo-socket", daemon=True
        )
        self._socket.follow(self._watchlist.symbols())
        receiver.start()
        while not stop.is_set():
            symbols = list(self._watchlist.symbols())
            self._socket.follow(symbols)
            self._forget(symbols)
            yield from self._histories(symbols, stop)
            yield self._collected(stop)

    def _forget(self, symbols: Sequence[str]) -> None:
        """Forget symbols; one that is followed again gets its history again."""
        if symbols == self.followed:
            return
        self.followed = symbols
        self._known -= {name for name in self._known if self.drops(name)}
        if self._history is not None:
            self._history.forget(self.drops)

    def _receive(self, stop: threading.Event) -> None:
        """Fill the queue of frames; restart the receiver whenever it fails."""
        while not stop.is_set():
            try:
                self._socket.run(self._frames, stop)
            except Exception as error:  # noqa: BLE001 - reported; the prices have to continue
                self._status.problem(
                    f"the receiver of Yahoo's stream failed ({reason(error)}); it starts again",
                    error,
                )
                stop.wait(self._restart.failed())

    def _histories(
        self, symbols: Sequence[str], stop: threading.Event
    ) -> Iterator[Sequence[WireTick]]:
        """Yield history, with live ticks between its batches."""
        fresh = [symbol for symbol in symbols if symbol not in self._known]
        if not fresh or self._history is None or self._breaker.open_seconds:
            return
        for batch in self._history.batches(fresh, self._breaker, stop):
            self._splits.learn(batch)
            yield batch
            yield self._collected(stop)
        if not self._breaker.open_seconds:
            self._known.update(fresh)
            self._status.say("live")

    def _collected(self, stop: threading.Event) -> list[WireTick]:
        """Return the ticks of a quarter of a second; count invalid frames."""
        ticks = []
        until = time.monotonic() + _BATCH_SECONDS
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            try:
                tick = tick_of(self._frames.get(timeout=left))
            except queue.Empty:
                break
            except BadFrame as error:
                self._status.drop(f"bad frame: {error}")
                continue
            if tick is not None:
                ticks.append(tick)
        self._known -= self._splits.seen_in(ticks)
        return ticks

    def _all_closed(self) -> bool:
        now = datetime.now(UTC)
        return not any(self._hours.is_open(name, now) for name in self._watchlist.symbols())
