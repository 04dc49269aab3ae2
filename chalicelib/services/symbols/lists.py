"""Read and change the lists of symbols: "seen", and "tracked" by producers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.errors import Conflict
from chalicelib.domain.times import to_text
from chalicelib.services.symbol_stores import SymbolEntry, SymbolStore

SEEN, TRACKED, FORGOTTEN = "seen", "tracked", "forgotten"

MAX_TRACKED = 500
"""The most tracked symbols. A producer requests each of them again and again from its source."""


NEWEST_SWITCHES = 3
"""How many switches a list of many symbols shows for each symbol: only the newest. An answer then
has room for 5,000 symbols."""


class Listed(msgspec.Struct, frozen=True):
    """A symbol's line, and which of the lists have the symbol."""

    entry: SymbolEntry
    seen: Annotated[bool, Meta(description="Whether any of its prices were received.")]
    tracked: Annotated[bool, Meta(description="Whether the producer is to collect it.")]


class SymbolLists:
    """Reads and changes the lists of symbols. `clock` returns the present as an aware datetime."""

    def __init__(self, store: SymbolStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def page(self, after: str, limit: int) -> tuple[list[Listed], str | None]:
        """Return the first `limit` symbols of both lists after the symbol `after` ("" for the first
        page). If others follow, return the last symbol's name too, else None. Takes one Query for
        each list."""
        seen = {entry.symbol: entry for entry in self._store.page(SEEN, after, limit + 1)}
        tracked = {entry.symbol: entry for entry in self._store.page(TRACKED, after, limit + 1)}
        symbols = sorted(seen.keys() | tracked.keys())
        rows = [_joined(seen.get(symbol), tracked.get(symbol)) for symbol in symbols[:limit]]
        return rows, symbols[limit - 1] if len(symbols) > limit else None

    def track(self, symbol: str) -> tuple[Listed, bool]:
        """Have the producer track a symbol; return its line, and whether it was not tracked before.

        Raises Conflict.
        """
        tracked = {entry.symbol: entry for entry in self._store.listed(TRACKED)}
        is_new = symbol not in tracked
        if is_new and len(tracked) >= MAX_TRACKED:
            raise Conflict(
                f"{MAX_TRACKED} symbols are tracked, which is the most; remove one", field="symbol"
            )
        seen = self._store.find_many(SEEN, [symbol]).get(symbol)
        entry = self._line(symbol)
        if seen is not None and seen.switches is not None:  # producers read them there
            given = {"source": seen.source, "switches": seen.switches}
            entry = msgspec.structs.replace(entry, **given)
        entry = tracked.get(symbol) or self._store.put(TRACKED, entry)
        return _joined(seen, entry), is_new

    def listed(self, symbol: str) -> Listed:
        """Return a symbol's line. If neither list has the symbol, return an empty line."""
        seen = self._store.find_many(SEEN, [symbol]).get(symbol)
        tracked = self._store.find_many(TRACKED, [symbol]).get(symbol)
        if seen is None and tracked is None:
            return Listed(self._line(symbol), False, False)
        return _joined(seen, tracked)

    def _line(self, symbol: str) -> SymbolEntry:
        return SymbolEntry(symbol=symbol, added_at=to_text(self._clock()))

    def untrack(self, symbol: str) -> None:
        """Have the producer stop tracking a symbol. The stored data remains."""
        self._store.remove(TRACKED, symbol)


def _joined(seen: SymbolEntry | None, tracked: SymbolEntry | None) -> Listed:
    """Join a symbol's lines from both lists into one. At least one list must have the symbol."""
    lines = [line for line in (seen, tracked) if line is not None]
    standby = tracked.standby if tracked is not None else None
    entry = msgspec.structs.replace(lines[0], standby=standby)
    return Listed(entry, seen is not None, tracked is not None)
