"""Seconds that go on while Lambda keeps a container frozen, and never go back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

_MOST_SECONDS = 86_400.0
"""Of a pause that counts: a clock that was set may claim any."""


class SteadyClock:
    """Monotonic seconds, and the pauses between runs by the time of day.

    A frozen container's monotonic clock may stand still. Between `leave` and `resume` the longer
    of both clocks' times counts, so that a clock that is set back holds up nothing.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._pauses = 0.0
        self._left: tuple[datetime, float] | None = None

    def __call__(self) -> float:
        """Seconds since some instant."""
        return self._monotonic() + self._pauses

    def leave(self, now: datetime) -> None:
        """A run ends."""
        self._left = now, self._monotonic()

    def resume(self, now: datetime) -> None:
        """A run begins."""
        if self._left is None:
            return
        left, seconds = self._left
        unseen = (now - left).total_seconds() - (self._monotonic() - seconds)
        self._pauses += min(max(0.0, unseen), _MOST_SECONDS)
        self._left = None
