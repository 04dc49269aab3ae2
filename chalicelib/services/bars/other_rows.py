"""Cache stored bars of symbols that are named in the rules of other symbols."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from chalicelib.domain.bars import Bar
from chalicelib.services.stores import BarStore

_PAGE = 2_500
_MAX_SERIES = 500


class _Read(NamedTuple):
    """All regular bars from `start` on, as stored when the symbol had this version."""

    version: object
    start: str
    bars: list[Bar]


class OtherRows:
    """Caches the newest bars of symbols, until a symbol's version changes. The version comes from
    the symbol's state and history, and changes whenever further bars may be stored. Bars are stored
    before the state. Bars that are read after a state therefore include all that the state has
    closed. Threads share the cache."""

    def __init__(self, bars: BarStore) -> None:
        self._bars = bars
        self._kept: dict[tuple[str, str], _Read] = {}

    def since(self, symbol: str, base: str, version: object, start: str) -> list[Bar] | None:
        """Return all stored regular bars from `start` on; None if there are too many to cache."""
        kept = self._kept.get((symbol, base))
        if kept is None or kept.version != version or kept.start > start:
            page = self._bars.bars(symbol, base, start, None, limit=_PAGE, consistent=True)
            if page.next_key is not None:
                return None
            kept = _Read(version, start, [bar for bar in page.rows if not bar.extended])
            self._keep(symbol, base, kept)
        return kept.bars[bisect_left(kept.bars, start, key=lambda bar: bar.start) :]

    def note_none_before(self, symbol: str, base: str, version: object, until: str) -> None:
        """Record that no regular bar before `until` is stored. If none from `until` on is stored
        either, the series is known to be empty."""
        if self.since(symbol, base, version, until) == []:
            self._keep(symbol, base, _Read(version, "", []))

    def is_empty(self, symbol: str, base: str, version: object) -> bool:
        """Return whether a series is known to have no stored regular bar."""
        kept = self._kept.get((symbol, base))
        return kept is not None and kept.version == version and not (kept.start or kept.bars)

    def _keep(self, symbol: str, base: str, read: _Read) -> None:
        if len(self._kept) >= _MAX_SERIES:
            self._kept.clear()
        self._kept[symbol, base] = read
