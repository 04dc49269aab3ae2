"""Archive the sources of series that have switched, so that a replay can use them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from chalicelib.domain.archive_layout import Told
from chalicelib.domain.sources import LEASE_SECONDS
from chalicelib.domain.times import to_text
from chalicelib.services.ingest.known_symbols import KnownSymbols
from chalicelib.services.stores import Archive

MAX_TOLD = 50_000
FEW = 4
"""The most lists of a batch that get an object each. All containers name such an object alike."""

MOST_TOGETHER = 2_000
"""The most lists in one object: 4 MB before they are compressed."""


class ToldSources:
    """Archives the lists of sources by which this container judges ticks. Each is archived once."""

    def __init__(self, archive: Archive, clock: Callable[[], datetime]) -> None:
        self._archive = archive
        self._clock = clock
        self._told: dict[str, tuple[str, int]] = {}

    def tell(self, symbols: Iterable[str], known: KnownSymbols) -> None:
        """Archive the sources of a batch's symbols, without switches that may still be replaced.

        If there are at most FEW lists, each has an object of its own. Otherwise lists share
        objects: in one record, a producer may send thousands of new symbols with a list.
        """
        fixed_before = to_text(self._clock() + timedelta(seconds=LEASE_SECONDS))
        told = [self._line(symbol, known, fixed_before) for symbol in symbols]
        news = [one for one in told if one is not None and self._is_news(one)]
        size = 1 if len(news) <= FEW else MOST_TOGETHER
        for at in range(0, len(news), size):
            self._put(news[at : at + size])

    def _line(self, symbol: str, known: KnownSymbols, fixed_before: str) -> Told | None:
        """Return the list of a series' sources. Return None if a replay makes the same decisions
        without the list."""
        sources, since = known.sources(symbol), known[symbol].forgotten_at or ""
        if sources is None or not (sources.switches or (since and sources.first)):
            return None
        return Told(symbol, sources.before(fixed_before).text(), since)

    def _is_news(self, one: Told) -> bool:
        return (one.since, one.number) > self._told.get(one.symbol, ("", 0))

    def _put(self, told: list[Told]) -> None:
        self._archive.put_sources(told)
        if len(self._told) >= MAX_TOLD:
            self._told.clear()
        self._told |= {one.symbol: (one.since, one.number) for one in told}
