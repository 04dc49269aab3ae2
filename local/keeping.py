"""Keeps a producer running: restarts it after a failure, with growing delays."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Protocol

from embedded_aws.child import how_it_ended
from local.producing import USAGE
from producer.backoff import Backoff

FIRST_SECONDS, MOST_SECONDS = 1.0, 60.0
STEADY_SECONDS = 60.0
"""After a run of this length the delay before a restart is short again."""


class Running(Protocol):
    """A started producer."""

    def stop(self) -> None:
        """Stop the producer."""

    def forget(self) -> None:
        """Release the process of a producer that has ended by itself."""


class Keeper:
    """Starts a producer and restarts it after each failure.

    `start` takes a function that gets the exit status. `failing` gets the reason and the seconds
    until the restart. `ended` gets the status of a producer that is not restarted, since it
    succeeded or its command line is invalid.
    """

    def __init__(
        self,
        start: Callable[[Callable[[int], None]], Running],
        *,
        failing: Callable[[str, float], None],
        ended: Callable[[int], None],
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = start
        self._failing = failing
        self._done = ended
        self._backoff = backoff or Backoff(FIRST_SECONDS, MOST_SECONDS, random.Random())  # noqa: S311 - jitter
        self._clock = clock
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._running: Running | None = None
        self._started = 0.0
        self.is_down = False

    def start(self) -> None:
        """Start the producer, unless `stop` was called."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._started = self._clock()
            self.is_down = False
            self._running = self._make(self._ended)

    def stop(self) -> None:
        """Stop the producer and restart it no more."""
        self._stopping.set()
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.stop()

    def _ended(self, status: int) -> None:
        with self._lock:
            running, self._running = self._running, None
        if self._stopping.is_set():
            return
        if running is not None:
            running.forget()
        if status in (0, USAGE):
            self._done(status)
            return
        if self._clock() - self._started >= STEADY_SECONDS:
            self._backoff.succeeded()
        self.is_down = True
        seconds = self._backoff.failed(share=0.999)
        self._failing(how_it_ended(status), seconds)
        if not self._stopping.wait(seconds):
            self.start()
