"""Find the silent symbols: symbols that should trade now but have no new price."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.detection import State
from chalicelib.domain.silence import silent_minutes
from chalicelib.domain.ticks import UNKNOWN_SOURCE
from chalicelib.services.stores import Stores
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.services.symbols.lists import SEEN, TRACKED

log = logging.getLogger("ticktape.silence")

EVERY = timedelta(minutes=5)
"""How often a container of detect checks for silent symbols."""

MOST_CHECKED = 500
"""The most symbols that are checked. Tracked symbols come first."""

LEFT_AFTER_MINUTES = 390
"""If an untracked symbol is silent for more minutes of trading than this, no price is expected any
more. Perhaps nobody collects it. A session in New York has this many minutes."""


class Silent(msgspec.Struct, frozen=True):
    """A silent symbol, and the number of minutes of trading since its last price."""

    symbol: str
    minutes: int


class SilenceCheck:
    """Finds the symbols that had no price for `after_seconds` of trading. If this is 0, none are
    found."""

    def __init__(self, stores: Stores, clock: Callable[[], datetime], after_seconds: int) -> None:
        self._stores = stores
        self._clock = clock
        self._after_minutes = -(-after_seconds // 60)
        self._next = clock() + EVERY

    def __call__(self) -> list[Silent]:
        """Return the silent symbols, the longest silence first.

        Reads MOST_CHECKED lines of each list, and the states of that many symbols.
        """
        if not self._after_minutes:
            return []
        now = self._clock()
        tracked = {entry.symbol: entry for entry in self._listed(TRACKED)}
        entries = {entry.symbol: entry for entry in self._listed(SEEN)} | tracked
        symbols = list(dict.fromkeys([*tracked, *entries]))[:MOST_CHECKED]
        states = self._stores.state.get_many(symbols)
        found = [
            Silent(symbol, minutes)
            for symbol in symbols
            if (minutes := _minutes(entries[symbol], states.get(symbol), now, symbol in tracked))
            >= self._after_minutes
        ]
        return sorted(found, key=lambda silent: (-silent.minutes, silent.symbol))

    def due(self) -> list[Silent] | None:
        """Return the silent symbols if EVERY has passed since the last check or, before any check,
        since the creation. Otherwise return None. If the check fails, log the error and return
        None."""
        if self._clock() < self._next:
            return None
        self._next = self._clock() + EVERY
        try:
            return self()
        except Exception:  # whatever the error, detect's batch is done
            log.warning("silent symbols cannot be looked for", exc_info=True)
            return None

    def _listed(self, name: str) -> list[SymbolEntry]:
        return self._stores.symbols.page(name, "", MOST_CHECKED)


def _minutes(entry: SymbolEntry, state: State | None, now: datetime, is_tracked: bool) -> int:
    """Return for how many minutes of trading a symbol has been silent. The result is 0 if no price
    is expected."""
    last = state.last if state else None
    zone, source = (last.exchange_timezone, last.source) if last else (None, UNKNOWN_SOURCE)
    since = last.timestamp if last else ""
    if is_tracked:
        since = max(since, entry.added_at)
    if not since:
        return 0
    minutes = silent_minutes(entry.symbol, zone, source, since, now)
    return minutes if is_tracked or minutes <= LEFT_AFTER_MINUTES else 0
