"""Note why items of symbols were quarantined. Only people read these notes, so no price waits for
them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from chalicelib.services.parallel import in_parallel
from chalicelib.services.symbol_stores import SymbolStore

NOTED_SECONDS = 60
MOST_NOTED = 100
"""The most symbols of a batch whose problems are noted. Other symbols wait for later batches."""

MAX_KNOWN = 50_000
PARALLEL_NOTES = 8


class SymbolProblems:
    """Notes at most one problem of a symbol in NOTED_SECONDS. A container has one instance."""

    def __init__(self, store: SymbolStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._noted: dict[str, float] = {}

    def note(self, found: Mapping[str, str], arrival: str, deadline: float) -> None:
        """Note one problem for each symbol, several in parallel. None is noted after the deadline
        (time.monotonic)."""
        now = self._clock().timestamp()
        due = [one for one in found.items() if self._is_due(one[0], now)][:MOST_NOTED]

        def put(one: tuple[str, str]) -> None:
            if time.monotonic() < deadline:
                self._store.note_problem(*one, arrival)
                self._noted[one[0]] = now

        in_parallel(put, due, PARALLEL_NOTES)
        if len(self._noted) > MAX_KNOWN:
            self._noted.clear()

    def _is_due(self, symbol: str, now: float) -> bool:
        return now - self._noted.get(symbol, -NOTED_SECONDS) >= NOTED_SECONDS
