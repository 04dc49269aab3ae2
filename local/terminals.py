"""Which terminal a system shows what goes on in."""

from __future__ import annotations

import sys
from collections.abc import Callable

from local.counters import Snapshot
from local.terminal import PlainTerminal, Terminal


def make(snapshot: Callable[[], Snapshot]) -> Terminal:
    """A live panel on a terminal, plain lines elsewhere."""
    if sys.stdout.isatty():
        from local.live_terminal import LiveTerminal

        return LiveTerminal(snapshot)
    return PlainTerminal(snapshot, sys.stdout)
