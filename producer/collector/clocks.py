"""The clocks that a run of the collector uses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import msgspec

from producer.collector.steady import SteadyClock


@contextmanager
def after(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Call `action` after some seconds, unless the context ends first."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """The time of day, seconds that count while the container is frozen, a timer, and a sleep."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    steady: SteadyClock = msgspec.field(default_factory=SteadyClock)
    after: Callable[[float, Callable[[], None]], AbstractContextManager[None]] = after
    sleep: Callable[[float], None] = time.sleep
