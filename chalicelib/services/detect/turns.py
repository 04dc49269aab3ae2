"""Let symbols take turns in reading bars, if their conditions need many bars."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chalicelib.domain.errors import Contended
from chalicelib.services.bars.time_limits import TimeIsUp

MOST_SECONDS = 180.0
"""The longest time for which symbols that wait for each other are tried again."""

SHORT_SECONDS = 5.0
"""How long a symbol waits for its turn once MOST_SECONDS are over."""


class Turns:
    """Lets symbols take turns. A symbol has all of the CPU in its turn, so that at least some
    symbols are done by the deadline.

    A symbol fails if its turn does not come by the deadline, or begins late and is not done by
    then. When its records are delivered again, other symbols are done. Threads may share the turns.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._since: float | None = None
        self._has_waited = self._is_taken = False
        self._begun = clock()

    def begin(self) -> None:
        """Begin a batch."""
        if not self._has_waited:
            self._since = None
        self._has_waited = self._is_taken = False
        self._begun = self._clock()

    @contextmanager
    def __call__(self, deadline: float) -> Iterator[bool]:
        """Wait for a turn until the deadline, and yield whether it came. Raises Contended to have
        the symbol tried again: its turn did not come, or began late and the body raised TimeIsUp.
        After MOST_SECONDS of such retries, yields False or raises TimeIsUp instead."""
        seconds = self._seconds_until(deadline)
        if self._is_over():
            seconds = min(seconds, SHORT_SECONDS)
        if not self._turn.acquire(timeout=seconds):
            self._try_again()
            yield False
            return
        try:
            is_early = self._is_early(deadline)
            self._is_taken = True
            try:
                yield True
            except TimeIsUp:
                if not is_early:
                    self._try_again()
                raise
        finally:
            self._turn.release()

    def _seconds_until(self, deadline: float) -> float:
        return min(max(0.0, deadline - self._clock()), threading.TIMEOUT_MAX)

    def _is_early(self, deadline: float) -> bool:
        """Return whether this is the batch's first turn and begins early: at least half of the
        batch's time is left, or the batch had no time from the start."""
        gone = self._clock() - self._begun
        left = self._seconds_until(deadline)
        return not self._is_taken and (left >= gone or deadline <= self._begun)

    def _try_again(self) -> None:
        """Raise Contended, unless symbols have been tried again for MOST_SECONDS."""
        self._has_waited = True
        if self._since is None:
            self._since = self._clock()
        if not self._is_over():
            raise Contended("bars for the conditions of other symbols are read first")

    def _is_over(self) -> bool:
        return self._since is not None and self._clock() - self._since >= MOST_SECONDS
