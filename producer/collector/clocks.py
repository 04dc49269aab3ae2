"""The clocks that a run of the collector uses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import msgspec

_MOST_SECONDS = 86_400.0
"""The longest pause that counts: a clock that was set may show any pause."""


class SteadyClock:
    """Monotonic seconds that include the pauses between runs.

    A frozen container's monotonic clock may stop. Between `leave` and `resume` this clock therefore
    advances by the monotonic time or by the time of day, whichever is longer. If the time of day is
    set back, nothing is delayed.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._pauses = 0.0
        self._left: tuple[datetime, float] | None = None

    def __call__(self) -> float:
        """Return the seconds since an arbitrary instant."""
        return self._monotonic() + self._pauses

    def leave(self, now: datetime) -> None:
        """Record the end of a run."""
        self._left = now, self._monotonic()

    def resume(self, now: datetime) -> None:
        """Record the start of a run."""
        if self._left is None:
            return
        left, seconds = self._left
        unseen = (now - left).total_seconds() - (self._monotonic() - seconds)
        self._pauses += min(max(0.0, unseen), _MOST_SECONDS)
        self._left = None


@contextmanager
def after(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Call `action` after some seconds, unless the context ends before that."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """A container's time: time of day, seconds that count while it is frozen, a timer, a sleep."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    steady: SteadyClock = msgspec.field(default_factory=SteadyClock)
    after: Callable[[float, Callable[[], None]], AbstractContextManager[None]] = after
    sleep: Callable[[float], None] = time.sleep
