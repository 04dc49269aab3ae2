"""Counts the records in streams and queues that the mappings have not processed yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import msgspec

LOOK_SECONDS = 1.0

Position = tuple[str, str, str, str | None]
"""A shard's kind, stream, id, and the sequence number up to which its records are finished."""


class Waiting(msgspec.Struct, frozen=True):
    """The number of unprocessed records, and when the oldest arrived in epoch seconds, if known."""

    count: int
    oldest: float | None = None

    def age_seconds(self, now: float) -> float:
        """Return the seconds since the oldest record arrived, or 0 if its arrival is not known."""
        return max(0.0, now - self.oldest) if self.oldest is not None else 0.0


NOTHING = Waiting(0)


class Backlog:
    """Counts unprocessed records: asks the emulator at most once a second, and only after changes.

    `count` returns the number of records in queues, and in streams after given positions.
    """

    def __init__(
        self,
        count: Callable[[Sequence[Position], Sequence[str]], Waiting],
        positions: Callable[[], Sequence[Position]],
        queues: Sequence[str],
        generation: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._positions = positions
        self._queues = queues
        self._generation = generation
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = -1
        self._looked = float("-inf")
        self._found = NOTHING

    def __call__(self) -> Waiting:
        """Return the number of unprocessed records and the oldest one's arrival.

        The last result is returned if it is younger than LOOK_SECONDS, or was empty and nothing has
        changed since. It is also returned if the emulator cannot be reached.
        """
        with self._lock:
            generation, now = self._generation(), self._clock()
            is_known = generation == self._seen and not self._found.count
            if is_known or now - self._looked < LOOK_SECONDS:
                return self._found
            try:
                self._found = self._count(self._positions(), self._queues)
            except (OSError, ValueError):  # the emulator is ending, which is reported elsewhere
                return self._found
            self._seen, self._looked = generation, now
            return self._found
