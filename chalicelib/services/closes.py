"""Closes of finished bars of any interval, for rules on bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chalicelib.domain.bar_closes import BarClose
from chalicelib.domain.bars import Bar
from chalicelib.domain.folding import BASE_OF, MOST_PARTS, label
from chalicelib.services.stores import BarStore

_PAGE = 1000


class ClosesBefore:
    """Reads a symbol's closes out of the bars table; regular hours only."""

    def __init__(self, bars: BarStore, symbol: str) -> None:
        self._bars = bars
        self._symbol = symbol

    def __call__(self, interval: str, first: str, end: str, count: int) -> Sequence[BarClose]:
        """Closes of bars before `end` in order, see StoredCloses."""
        base = BASE_OF[interval]
        stored = self._newest(base, first, end, count * MOST_PARTS[interval])
        closes = _last_parts(stored, interval)
        older = sum(close.label < first for close in closes)
        return closes[max(0, older - count) :]

    def _newest(self, interval: str, first: str, end: str, count: int) -> list[Bar]:
        """The regular bars that begin before `end`, in order: the newest `count` before `first`,
        or some more, and all after."""
        found: list[Bar] = []
        older = 0
        while older < count:
            page = self._bars.bars(
                self._symbol, interval, None, end, limit=_PAGE, descending=True, consistent=True
            )
            regular = _regular(page.rows)
            found += regular
            older += sum(bar.start < first for bar in regular)
            if page.next_key is None:
                break
            end = page.next_key
        return found[::-1]


def _last_parts(bars: Iterable[Bar], interval: str) -> list[BarClose]:
    """The closes of bars of `interval` out of stored bars in order."""
    closes: dict[str, BarClose] = {}
    for bar in bars:
        start = bar.start if bar.interval == interval else label(bar.start, interval)
        dated = bar.session_date or bar.start[:10], bar.close
        closes[start] = BarClose(start, bar.start, dated, is_history=not bar.ticks)
    return list(closes.values())


def _regular(bars: Iterable[Bar]) -> list[Bar]:
    return [bar for bar in bars if not bar.extended]
