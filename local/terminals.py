"""Chooses the terminal for a system."""

from __future__ import annotations

import sys
from collections.abc import Callable

from local.counters import Snapshot
from local.terminal import PlainTerminal, Terminal


def make(snapshot: Callable[[], Snapshot]) -> Terminal:
    """Return a live panel on a terminal, plain lines elsewhere."""
    if sys.stdout.isatty():
        from local.live_terminal import LiveTerminal

        return LiveTerminal(snapshot)
    return PlainTerminal(snapshot, sys.stdout)
