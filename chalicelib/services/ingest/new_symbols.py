"""New symbols: limit their number and register them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.services.ingest.plan import Read, items_of, without
from chalicelib.services.parallel import in_parallel
from chalicelib.services.symbol_stores import SymbolEntry, SymbolStore
from chalicelib.services.symbols.lists import SEEN, TRACKED

MAX_SYMBOLS = 20_000
"""The most symbols of a stage, unless the stage's settings give another number."""

MAX_SYMBOLS_A_RECORD = 2_000
PARALLEL_PINS = 16
UNCOUNTED = 100
"""How many new symbols a container accepts before it counts the stage's symbols again."""

FULL_SECONDS = 10
"""How long a container treats a full stage as full without counting again."""

_CROWDED = f"symbol: a record brings at most {MAX_SYMBOLS_A_RECORD:,} symbols"


def half_way(deadline: float) -> float:
    """Return the middle of the time until a deadline (time.monotonic). Symbols are registered in
    the first half; the second half is for writing."""
    now = time.monotonic()
    return now + (deadline - now) / 2


def within_symbol_limit(read: Read) -> Read:
    """Return the record with the items of its first MAX_SYMBOLS_A_RECORD symbols. The other items
    become rejected parts."""
    items = items_of(read.decoded)
    if len(items) <= MAX_SYMBOLS_A_RECORD:
        return read
    symbols = list(dict.fromkeys(item.symbol for item in items))
    crowded = set(symbols[MAX_SYMBOLS_A_RECORD:])
    return without(read, lambda item: _CROWDED if item.symbol in crowded else None)


class NewSymbols:
    """Adds new symbols to the list "seen", up to a limit. Tracked symbols are added even beyond it.

    A container may exceed the limit by UNCOUNTED symbols, and by the symbols that other containers
    add during a count.
    """

    def __init__(self, store: SymbolStore, clock: Callable[[], datetime], most: int) -> None:
        self._store = store
        self._clock = clock
        self._most = most
        self._uncounted = UNCOUNTED
        self._full_until = float("-inf")

    def refused(self, new: Sequence[str]) -> dict[str, str]:
        """Return the new symbols for which there is no room, each with the reason."""
        if len(new) <= self._uncounted:
            self._uncounted -= len(new)
            return {}
        room = self._room()
        taken, beyond = new[:room], new[room:]
        self._uncounted = min(room - len(taken), UNCOUNTED)
        tracked = {line.symbol for line in self._store.listed(TRACKED)} if beyond else set()
        reason = f"symbol: this stage takes at most {self._most:,} symbols (MAX_SYMBOLS)"
        return {symbol: reason for symbol in beyond if symbol not in tracked}

    def _room(self) -> int:
        """Return how many more symbols the stage accepts. If it was full a moment ago, return 0
        without counting."""
        now = self._clock().timestamp()
        if now < self._full_until:
            return 0
        room = max(0, self._most - self._store.count(SEEN))
        self._full_until = float("-inf") if room else now + FULL_SECONDS
        return room

    def pinned(self, entries: Sequence[SymbolEntry], deadline: float) -> dict[str, SymbolEntry]:
        """Add entries in order, several in parallel. No entry is added after the deadline
        (time.monotonic). Return the stored entries by symbol."""

        def pin(entry: SymbolEntry) -> SymbolEntry | None:
            return None if time.monotonic() >= deadline else self._store.pin(entry)

        lines = in_parallel(pin, entries, PARALLEL_PINS)
        return {line.symbol: line for line in lines if line is not None}
