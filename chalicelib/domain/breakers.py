"""Circuit breakers: a channel that keeps failing gets no messages for a while.

The pattern is that of M. Nygard, Release It!, with one probe after each pause.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

FAILURES_TO_OPEN = 10
SLOW_FAILURES_TO_OPEN = 3
SECONDS_TO_OPEN = 9.0
"""A circuit opens after ten failures in a row, or after three or more that took nine seconds
together."""

SLOW_SECONDS = 3.0
"""A refusal that took at least this long counts as a failure. A quicker refusal shows that the
channel works and the message was wrong."""

FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0


class _Circuit(msgspec.Struct):
    failures: int = 0
    seconds: float = 0.0
    is_open: bool = False
    pause: float = 0.0
    open_until: float = 0.0


class Breakers:
    """One circuit breaker per channel; thread-safe. `now` returns the seconds of a monotonic
    clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def lets_through(self, channel: str) -> bool:
        """Return whether the caller may send to the channel. After a pause one caller may try, and
        the next pause begins for all others."""
        with self._lock:
            circuit = self._circuits.get(channel)
            if circuit is None or not circuit.is_open:
                return True
            if self._now() < circuit.open_until:
                return False
            self._pause(circuit)
            return True

    def is_open(self, channel: str) -> bool:
        """Return whether sending to the channel is paused."""
        with self._lock:
            circuit = self._circuits.get(channel)
            return circuit is not None and circuit.is_open and self._now() < circuit.open_until

    def succeeded(self, channel: str) -> None:
        """Close the circuit after the channel took a message, even a slow one: a slow channel in a
        pause would never get its messages."""
        with self._lock:
            self._circuits.pop(channel, None)

    def failed(self, channel: str, seconds: float) -> None:
        """Count a temporary failure that took `seconds`; begin a pause after enough failures."""
        with self._lock:
            circuit = self._circuits.setdefault(channel, _Circuit())
            circuit.failures += 1
            circuit.seconds += seconds
            most = FAILURES_TO_OPEN if circuit.seconds < SECONDS_TO_OPEN else SLOW_FAILURES_TO_OPEN
            if not circuit.is_open and circuit.failures >= most:
                circuit.is_open = True
                self._pause(circuit)

    def refused(self, channel: str, seconds: float) -> None:
        """Count a permanent refusal: as a failure if it took SLOW_SECONDS or more, else a
        success."""
        if seconds < SLOW_SECONDS:
            self.succeeded(channel)
        else:
            self.failed(channel, seconds)

    def _pause(self, circuit: _Circuit) -> None:
        circuit.pause = min(max(FIRST_PAUSE_SECONDS, 2 * circuit.pause), LONGEST_PAUSE_SECONDS)
        circuit.open_until = self._now() + circuit.pause
