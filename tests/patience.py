"""How long tests wait for what has to come.

Whatever a test awaits comes within seconds, also beside other work on the machine. The time is
this long so that no test depends on the machine's speed: it only ends a test that hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

PATIENCE_SECONDS = 300.0
Found = TypeVar("Found")


def pauses() -> Iterator[float]:
    """Seconds between two looks: a sixth of what has passed, from 0.02 up to 0.2.

    What is looked at is often another process, and each look costs it some milliseconds.
    """
    pause = 0.02
    while True:
        yield pause
        pause = min(pause * 1.2, 0.2)


def eventually(ask: Callable[[], Found], describe: Callable[[], object] = lambda: "") -> Found:
    """What `ask` gives, once that is true. Raises AssertionError with what `describe` tells."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for pause in pauses():
        if found := ask():
            return found
        assert time.monotonic() < deadline, f"it did not come about: {describe()}"
        time.sleep(pause)
    raise AssertionError("pauses do not end")
