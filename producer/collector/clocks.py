"""Time as a run of the collector sees it."""

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
    """Have `action` called after some seconds, unless the context has ended by then."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """The time of day, seconds that go on while the container is frozen, a timer, and a sleep."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    steady: SteadyClock = msgspec.field(default_factory=SteadyClock)
    after: Callable[[float, Callable[[], None]], AbstractContextManager[None]] = after
    sleep: Callable[[float], None] = time.sleep
