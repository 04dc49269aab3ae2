"""The gaps of each symbol: minutes that the stream has not covered and history has to fill.

Minutes are counted from the epoch. History is asked for each minute once, when the minute is over
and history has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

MOST_MINUTES = 7 * 1440
"""The longest gap that is filled with minutes; services keep them longer, but a week is enough for
a chart of minutes."""


class Span(msgspec.Struct, frozen=True):
    """The minutes `[start, end)` of a symbol."""

    symbol: str
    start: int
    end: int


class _Gap(msgspec.Struct):
    """The minutes from `start` to `last`, inclusive. `last` is None while the stream does not cover
    the symbol."""

    start: int
    last: int | None = None


class Gaps:
    """The gaps of all symbols, at most one per symbol. A new gap extends a gap that is not filled
    yet."""

    def __init__(self) -> None:
        self._gaps: dict[str, _Gap] = {}
        self._filled: dict[str, int] = {}

    def open(self, symbol: str, minute: int) -> None:
        """Record that the stream stops covering a symbol during a minute."""
        gap = self._extended(symbol, minute)
        gap.last = None

    def close(self, symbol: str, minute: int) -> None:
        """Record that the stream covers a symbol again, starting during a minute."""
        gap = self._gaps.get(symbol)
        if gap is not None and gap.last is None:
            gap.last = max(minute, gap.start)

    def add(self, symbol: str, first: int, last: int) -> None:
        """Record that trades may be missing in the minutes from `first` to `last`, inclusive."""
        gap = self._gaps.get(symbol)
        if gap is not None and gap.last is None:
            gap.start = min(gap.start, max(first, self._filled.get(symbol, first)))
            return
        if last < self._filled.get(symbol, 0):
            return
        known = gap.last if gap is not None else None
        self._extended(symbol, first).last = last if known is None else max(known, last)

    def _extended(self, symbol: str, minute: int) -> _Gap:
        minute = max(minute, self._filled.get(symbol, minute))
        gap = self._gaps.get(symbol)
        if gap is None:
            gap = self._gaps[symbol] = _Gap(minute)
        gap.start = min(gap.start, minute)
        return gap

    def due(self, symbol: str, over: int, most: int) -> Span | None:
        """Return up to `most` missing minutes before `over` to ask for now; None without any.
        Minutes more than a week before `over` are left out for good."""
        gap = self._gaps.get(symbol)
        if gap is None:
            return None
        gap.start = max(gap.start, over - MOST_MINUTES)
        end = over if gap.last is None else min(over, gap.last + 1)
        return Span(symbol, gap.start, min(end, gap.start + most)) if gap.start < end else None

    def filled(self, span: Span) -> None:
        """Record that history has answered for the minutes of a span."""
        self._filled[span.symbol] = max(span.end, self._filled.get(span.symbol, 0))
        gap = self._gaps.get(span.symbol)
        if gap is None:
            return
        gap.start = max(gap.start, span.end)
        if gap.last is not None and gap.start > gap.last:
            del self._gaps[span.symbol]

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the gaps of each symbol for which `drops` returns true."""
        for name in [name for name in self._gaps.keys() | self._filled.keys() if drops(name)]:
            self._gaps.pop(name, None)
            self._filled.pop(name, None)

    def started(self, symbols: Iterable[str]) -> int | None:
        """Return the first minute in the gaps of some symbols; None if they have no gap."""
        return min((self._gaps[name].start for name in symbols if name in self._gaps), default=None)

    @property
    def symbols(self) -> list[str]:
        """Return the symbols that have a gap."""
        return list(self._gaps)
