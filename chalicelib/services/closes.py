"""Closes of finished bars of any interval, for rules on bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from chalicelib.domain.bars import Bar
from chalicelib.domain.folding import BASE_OF, MOST_PARTS, fold_bars
from chalicelib.domain.splits import Split, adjusted_closes
from chalicelib.services.stores import BarStore

_PAGE = 1000


class ClosesBefore:
    """Reads a symbol's closes out of the bars table; regular hours only."""

    def __init__(self, bars: BarStore, symbol: str) -> None:
        self._bars = bars
        self._symbol = symbol

    def __call__(
        self, interval: str, label: str, count: int, split: Split | None
    ) -> Sequence[Decimal]:
        """At most `count` closes before `label`, in order, all counted as after `split`."""
        base = BASE_OF[interval]
        parts = self._newest(base, label, count * MOST_PARTS[interval])
        folded = fold_bars(parts, interval)[-count:]
        dated = [(bar.session_date or bar.start[:10], bar.close) for bar in folded]
        return adjusted_closes(dated, split)

    def _newest(self, interval: str, end: str, count: int) -> list[Bar]:
        """The newest `count` regular bars that begin before `end`, in order."""
        found: list[Bar] = []
        while len(found) < count:
            page = self._bars.bars(
                self._symbol, interval, None, end, limit=_PAGE, descending=True, consistent=True
            )
            found += _regular(page.rows)
            if page.next_key is None:
                break
            end = page.next_key
        return found[:count][::-1]


def _regular(bars: Iterable[Bar]) -> list[Bar]:
    return [bar for bar in bars if not bar.extended]
