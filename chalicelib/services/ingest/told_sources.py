"""Tells the archive the sources of series that have switched, so that a replay of it knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from chalicelib.domain.sources import LEASE_SECONDS
from chalicelib.domain.times import to_text
from chalicelib.services.ingest.known_symbols import KnownSymbols
from chalicelib.services.stores import Archive

MAX_TOLD = 50_000


class ToldSources:
    """Writes the sources by which this container decides, each list once; one per container."""

    def __init__(self, archive: Archive, clock: Callable[[], datetime]) -> None:
        self._archive = archive
        self._clock = clock
        self._told: dict[str, int] = {}

    def tell(self, symbols: Iterable[str], known: KnownSymbols) -> None:
        """Write the sources of a batch's symbols, without switches that may still be replaced."""
        fixed_before = to_text(self._clock() + timedelta(seconds=LEASE_SECONDS))
        for symbol in symbols:
            sources = known.sources(symbol)
            if sources is None or not sources.switches:
                continue
            fixed = sources.before(fixed_before)
            if len(fixed.switches) > self._told.get(symbol, 0):
                self._archive.put_sources(symbol, fixed)
                self._note(symbol, len(fixed.switches))

    def _note(self, symbol: str, count: int) -> None:
        if len(self._told) >= MAX_TOLD:
            self._told.clear()
        self._told[symbol] = count
