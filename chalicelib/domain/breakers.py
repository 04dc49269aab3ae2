"""Circuit breakers: a channel that lets sends take long is left alone for a while.

The pattern is that of M. Nygard, Release It!, with one probe after each pause.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

SLOW_SECONDS = 3.0
"""A failure or a refusal that took as long counts: others cost an invocation little."""

FAILURES_TO_OPEN = 3
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0


class _Circuit(msgspec.Struct):
    failures: int = 0
    pause: float = 0.0
    open_until: float = 0.0


class Breakers:
    """One circuit per channel; several threads may use it. `now` is a monotonic clock in
    seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def lets_through(self, channel: str) -> bool:
        """Return whether to try. After a pause one caller may; it takes the next pause for the
        others."""
        with self._lock:
            circuit = self._circuits.get(channel)
            if circuit is None or circuit.failures < FAILURES_TO_OPEN:
                return True
            if self._now() < circuit.open_until:
                return False
            self._pause(circuit)
            return True

    def succeeded(self, channel: str) -> None:
        """Note that the channel took a message, however slowly: it would never get the others if it
        were left alone."""
        with self._lock:
            self._circuits.pop(channel, None)

    def failed(self, channel: str, seconds: float) -> None:
        """Note a failure that another attempt may mend, and how long it took."""
        if seconds < SLOW_SECONDS:
            return
        with self._lock:
            circuit = self._circuits.setdefault(channel, _Circuit())
            circuit.failures += 1
            if circuit.failures == FAILURES_TO_OPEN:
                self._pause(circuit)

    def refused(self, channel: str, seconds: float) -> None:
        """Note that the channel refused a message for good, and how long it took."""
        if seconds < SLOW_SECONDS:
            self.succeeded(channel)
        else:
            self.failed(channel, seconds)

    def _pause(self, circuit: _Circuit) -> None:
        circuit.pause = min(max(FIRST_PAUSE_SECONDS, 2 * circuit.pause), LONGEST_PAUSE_SECONDS)
        circuit.open_until = self._now() + circuit.pause
