"""Remember symbols whose costly conditions were left out for lack of time to read their bars."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

log = logging.getLogger("ticktape.detect")

MOST_IN_A_ROW = 3
PAUSE_SECONDS = 600.0
"""How long a container leaves out a symbol's costly conditions after MOST_IN_A_ROW failures.
Without the pause, other symbols would wait for these conditions at each price."""


class Patience:
    """Counts how often in a row each symbol's costly conditions were left out. Threads share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: Counter[str] = Counter()
        self._again: dict[str, float] = {}
        self._waiting: set[str] = set()

    def is_over(self, symbol: str) -> bool:
        """Return whether a symbol's costly conditions are left out now, after too many failures."""
        return self._again.get(symbol, 0.0) > self._clock()

    def note_waiting(self, symbol: str) -> None:
        """Record that a symbol's costly conditions were left out because other symbols read their
        bars first."""
        self._waiting.add(symbol)
        log.error("%s: its costly conditions are left out, others read bars first", symbol)

    def note_left(self, symbol: str) -> None:
        """Record that a symbol's costly conditions were left out because time was up. After
        MOST_IN_A_ROW times in a row, they are left out for PAUSE_SECONDS."""
        self._left[symbol] += 1
        log.error("%s: its costly conditions are left out, no time to read their bars", symbol)
        if self._left[symbol] >= MOST_IN_A_ROW:
            self._again[symbol] = self._clock() + PAUSE_SECONDS
            log.error("%s: its costly conditions are off for %.0f s", symbol, PAUSE_SECONDS)

    def note_done(self, symbol: str) -> None:
        """Record that a symbol's costly conditions were evaluated, or that it has none."""
        self._waiting.discard(symbol)
        if symbol in self._left and not self.is_over(symbol):
            del self._left[symbol]
            self._again.pop(symbol, None)

    def left_out(self) -> tuple[str, ...]:
        """Return the symbols whose costly conditions were left out at their last turn."""
        return tuple(self._left.keys() | self._waiting)
