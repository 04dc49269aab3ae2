"""Decides how long tests wait for events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

PATIENCE_SECONDS = 300.0
Found = TypeVar("Found")


def pauses() -> Iterator[float]:
    """Yield the seconds between two checks: a sixth of the time so far, from 0.02 up to 0.2.

    A check often concerns another process, which it costs some milliseconds.
    """
    pause = 0.02
    while True:
        yield pause
        pause = min(pause * 1.2, 0.2)


def eventually(ask: Callable[[], Found], describe: Callable[[], object] = lambda: "") -> Found:
    """Return the result of `ask` once it is true. Raises AssertionError with the text of
    `describe`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for pause in pauses():
        if found := ask():
            return found
        assert time.monotonic() < deadline, f"it did not come about: {describe()}"
        time.sleep(pause)
    raise AssertionError("pauses do not end")
