"""How long tests wait for what has to come.

Whatever a test awaits comes within seconds, also beside other work on the machine. The time is
this long so that no test depends on the machine's speed: it only ends a test that hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 300.0
Found = TypeVar("Found")


def eventually(ask: Callable[[], Found], describe: Callable[[], object] = lambda: "") -> Found:
    """What `ask` gives, once that is true. Raises AssertionError with what `describe` tells."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := ask()):
        assert time.monotonic() < deadline, f"it did not come about: {describe()}"
        time.sleep(0.02)
    return found
