"""What was put on the streams and is not processed yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

LOOK_SECONDS = 1.0

Position = tuple[str, str, str, str | None]
"""A shard's kind, stream, id and the sequence number up to which all is finished."""


class Waiting(msgspec.Struct, frozen=True):
    """Records that wait; `oldest` is when the oldest came, in epoch seconds, if that is known."""

    count: int
    oldest: float | None = None

    def age_seconds(self, now: float) -> float:
        """How long the oldest has waited; 0 where none does."""
        return max(0.0, now - self.oldest) if self.oldest is not None else 0.0


NOTHING = Waiting(0)


class Control(Protocol):
    """What the emulator offers."""

    def waiting(self, streams: Sequence[Position], queues: Sequence[str]) -> Waiting:
        """What waits behind these positions, and in these queues."""


class Backlog:
    """Asks the emulator, once a second at most, and not at all while nothing happens."""

    def __init__(
        self,
        control: Control,
        positions: Callable[[], Sequence[Position]],
        queues: Sequence[str],
        generation: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._control = control
        self._positions = positions
        self._queues = queues
        self._generation = generation
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = -1
        self._looked = float("-inf")
        self._found = NOTHING

    def __call__(self) -> Waiting:
        """What waits now, or did when the emulator was last asked."""
        with self._lock:
            generation, now = self._generation(), self._clock()
            is_known = generation == self._seen and not self._found.count
            if is_known or now - self._looked < LOOK_SECONDS:
                return self._found
            try:
                self._found = self._control.waiting(self._positions(), self._queues)
            except (OSError, ValueError):  # it ends, which is told elsewhere
                return self._found
            self._seen, self._looked = generation, now
            return self._found
