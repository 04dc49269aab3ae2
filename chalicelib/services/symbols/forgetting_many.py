"""Choose several symbols to forget, such as invented ones with which somebody filled a stage."""

from __future__ import annotations

import msgspec

from chalicelib.domain.bars import STORED
from chalicelib.services.parallel import in_parallel
from chalicelib.services.stores import Stores
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.services.symbols.lists import SEEN, TRACKED

PARALLEL_LOOKS = 16


class Choice(msgspec.Struct, frozen=True):
    """Selects symbols that were first seen in `[since, until)` and have fewer stored prices and
    bars in total than `fewer_than`. None means no limit."""

    since: str | None = None
    until: str | None = None
    fewer_than: int | None = None

    def is_within(self, line: SymbolEntry) -> bool:
        """Return whether a symbol was first seen in `[since, until)`."""
        is_before = self.until is not None and line.added_at >= self.until
        return not is_before and line.added_at >= (self.since or "")


def chosen(stores: Stores, choice: Choice) -> list[SymbolEntry]:
    """Return the lines of the chosen symbols, in the order of the list. Tracked symbols are never
    chosen."""
    tracked = {line.symbol for line in stores.symbols.listed(TRACKED)}
    lines = [line for line in stores.symbols.listed(SEEN) if choice.is_within(line)]
    lines = [line for line in lines if line.symbol not in tracked]
    if choice.fewer_than is None:
        return lines
    most = choice.fewer_than
    few = in_parallel(lambda line: _has_fewer(stores, line.symbol, most), lines, PARALLEL_LOOKS)
    return [line for line, is_meant in zip(lines, few, strict=True) if is_meant]


def _has_fewer(stores: Stores, symbol: str, most: int) -> bool:
    """Return whether a symbol has fewer than `most` stored prices and bars together."""
    count = len(stores.prices.ticks(symbol, None, None, limit=most).rows)
    for interval in STORED:
        if count >= most:
            break
        count += len(stores.bars.bars(symbol, interval, None, None, limit=most).rows)
    return count < most
