"""Handles signals that ask a process to stop, even while the main thread waits."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType


class Ended(BaseException):
    """Raised in the main thread when a signal has asked the process to stop."""


class Endings:
    """Handles end signals in the main thread. Within `at_once` a signal raises Ended. Elsewhere it
    is only remembered, since another thread is notified."""

    def __init__(self) -> None:
        self._heard = self._raises = False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise Ended if a signal comes within this context or came before. Use it for long work
        that precedes all sending."""
        self._raises = True
        try:
            if self._heard:
                raise Ended
            yield
        finally:
            self._raises = False

    def heard(self, _number: int, _frame: FrameType | None) -> None:
        """Remember a signal; Python calls this as its handler. Raises Ended within `at_once`."""
        self._heard = True
        if self._raises:
            raise Ended


@contextmanager
def on_end_signal(
    numbers: Sequence[signal.Signals], tell: Callable[[], None], *, at_once: bool
) -> Iterator[Endings]:
    """Call `tell` from a thread at the first of these signals. Use this from the main thread.

    A second signal is ignored; with `at_once` it ends the process with status 128 + its number.

    Python runs a handler between two steps of the main thread. If a signal comes just before that
    thread begins to wait, its handler runs only when something else wakes the thread. And an
    `Event.set` within `Event.wait` may wait for itself. So a thread reads the interpreter's wakeup
    descriptor (https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd).
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watch = threading.Thread(
        target=_watch, args=(reading, frozenset(numbers), tell, at_once), name="signals"
    )
    watch.daemon = True
    watch.start()
    earlier = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    endings = Endings()
    before = {number: signal.signal(number, endings.heard) for number in numbers}
    try:
        yield endings
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(earlier)
        os.close(writing)
        watch.join()
        os.close(reading)


def _watch(reading: int, numbers: frozenset[int], tell: Callable[[], None], at_once: bool) -> None:
    told = False
    while heard := os.read(reading, 1):
        if heard[0] not in numbers:
            continue
        if not told:
            tell()
        elif at_once:
            os._exit(128 + heard[0])
        told = True
