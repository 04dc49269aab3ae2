"""The symbols: which have been seen, and which the producer is to follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from chalicelib.domain.times import to_text
from chalicelib.services.stores import SymbolEntry, SymbolStore

SEEN, TRACKED = "seen", "tracked"


class Listed(msgspec.Struct, frozen=True):
    """A symbol's line, and on which lists it stands."""

    entry: SymbolEntry
    seen: bool
    tracked: bool


def all_symbols(store: SymbolStore) -> list[Listed]:
    """Both lists as one, by symbol: two Query calls."""
    seen = {entry.symbol: entry for entry in store.listed(SEEN)}
    tracked = {entry.symbol: entry for entry in store.listed(TRACKED)}
    return [
        Listed(seen.get(symbol) or tracked[symbol], symbol in seen, symbol in tracked)
        for symbol in sorted(seen.keys() | tracked.keys())
    ]


def track(store: SymbolStore, symbol: str, clock: Callable[[], datetime]) -> SymbolEntry:
    """Put on the list that the producer follows; its line if it is there already."""
    return store.put(TRACKED, SymbolEntry(symbol=symbol, added_at=to_text(clock())))


def untrack(store: SymbolStore, symbol: str) -> None:
    """Take off that list; what is stored of the symbol stays."""
    store.remove(TRACKED, symbol)
