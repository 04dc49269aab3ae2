"""Reads the closes of finished bars of any interval, for rules on bars."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from chalicelib.domain.bar_closes import BarClose
from chalicelib.domain.folding import BASE_OF, MINUTES, MOST_PARTS, label
from chalicelib.domain.times import from_text, later
from chalicelib.services.bars.kept_closes import Basis, CloseKeeper, KeptCloses
from chalicelib.services.stores import BarStore, Close

_NEXT_SECONDS = 1800
"""When one tick closes bars of several intervals, the labels of these bars are fewer seconds apart
than this."""

_LAST_MINUTE = 3540
"""The seconds from the start of an hour to the start of its last minute."""

_SOME = 40
_MOST = 5000
"""The most extra bars to request. DynamoDB returns at most 1 MB, which is some 3,000 bars."""

_READ_FOR_ONE, _READ_AT_LEAST = 4, 5_000
"""The limit of stored bars to read: _READ_FOR_ONE for each regular bar needed, plus _READ_AT_LEAST.
Extended hours have up to two bars for each regular one. Without a limit, fabricated ticks could
make each read go through all bars."""

_MOST_KEPT = 1024
"""The most closes of a series that are cached. No rule needs more than 802."""


class ClosesBefore:
    """Reads a symbol's closes in regular hours from the bars table. Create a new reader for each
    run of ticks. All intervals share the bars that the reader has read."""

    def __init__(self, bars: BarStore, symbol: str) -> None:
        self._bars = bars
        self._symbol = symbol
        self._read: dict[str, _Backwards] = {}

    def __call__(self, interval: str, first: str, end: str, count: int) -> Sequence[BarClose]:
        """Return the closes of bars before `end`, in order. These are the newest `count` closes
        before the label `first`, and all closes from `first` on."""
        return _from(self._all(interval, first, end, count), first, count)

    def _all(self, interval: str, first: str, end: str, count: int) -> list[BarClose]:
        parts = count * MOST_PARTS[interval]
        return _last_parts(self._newest(BASE_OF[interval], first, end, parts), interval)

    def _newest(self, base: str, first: str, end: str, count: int) -> list[Close]:
        """Return regular stored bars that begin before `end`, in order. These are the newest
        `count` bars before `first`, and all bars from `first` on. There may be fewer if many
        extended bars lie between them."""
        found: list[Close] = []
        older = 0
        for close in islice(self._backwards(base, end, count), _most_read(count)):
            if close.extended or close.start >= end:
                continue
            if close.start < first:
                if older == count:
                    break
                older += 1
            found.append(close)
        return found[::-1]

    def _backwards(self, base: str, end: str, count: int) -> _Backwards:
        known = self._read.get(base)
        if known is not None and end <= known.end:
            return known
        reach = later(end, seconds=_NEXT_SECONDS) if base == "1m" else end
        at_once = min(count + _SOME, _MOST)
        closes = self._bars.closes(self._symbol, base, None, reach, newest=at_once)
        self._read[base] = _Backwards(reach, closes)
        return self._read[base]


class KeptClosesBefore(ClosesBefore):
    """Reads closes of 5m, 15m and 30m bars. Only closes that are not in the cache are read.

    `repairs` comes from the symbol's state. Call `keep` only after writing the state that was
    computed with the closes. The write proves that no other container has repaired bars meanwhile.
    """

    def __init__(self, bars: BarStore, symbol: str, keeper: CloseKeeper, repairs: int) -> None:
        super().__init__(bars, symbol)
        self._keeper = keeper
        self._repairs = repairs
        self._basis: Basis | None = None
        self._found: dict[str, KeptCloses] = {}

    def __call__(self, interval: str, first: str, end: str, count: int) -> Sequence[BarClose]:
        """Return the same closes as ClosesBefore, from the cache as far as possible."""
        if interval not in MINUTES:
            return super().__call__(interval, first, end, count)
        basis = self._basis = self._basis or self._read_basis()
        kept = self._keeper.get(self._symbol, interval)
        if kept is not None and kept.basis == basis:
            kept = kept.before(first)
            since = self._since(interval, kept.end, end, _most_read(count * MOST_PARTS[interval]))
            closes = [*kept.closes, *(since or ())]
            is_enough = kept.is_whole or _count_before(closes, first) >= count
            if since is not None and is_enough:
                return self._note(interval, first, count, closes, kept)
        return self._read_all(interval, first, end, count, basis)

    def keep(self) -> None:
        """Cache the closes that were read. Call this after the symbol's state is written."""
        for interval, kept in self._found.items():
            self._keeper.keep(self._symbol, interval, kept)

    def _read_basis(self) -> Basis:
        """Return the basis of further reads, with the history's mark as it is stored now. Drop all
        bars that were read before. The mark changes with each write of history."""
        mark = self._bars.history_mark(self._symbol)
        self._read.clear()
        return Basis(self._repairs, mark)

    def _since(self, interval: str, start: str, end: str, most: int) -> list[BarClose] | None:
        """Return the closes of bars from the label `start` on, made from stored minutes.

        Return None if this would read more than `most` minutes, as after a tick from long ago.
        """
        seconds = (from_text(max(start, end)) - from_text(start)).total_seconds()
        found = []
        for read, close in enumerate(self._backwards("1m", end, int(seconds) // 60)):
            if close.start < start:
                break
            if read == most:
                return None
            if close.start < end and not close.extended:
                found.append(close)
        return _last_parts(found[::-1], interval)

    def _read_all(
        self, interval: str, first: str, end: str, count: int, basis: Basis
    ) -> Sequence[BarClose]:
        """Read up to twice as many closes as needed. When `count` grows, a further full read is
        then rarely needed."""
        most = 1 << max(count - 1, 0).bit_length()
        began = time.monotonic()
        closes = self._all(interval, first, end, most)
        is_whole = _count_before(closes, first) < most
        kept = KeptCloses(basis, first, is_whole, began, ())
        return self._note(interval, first, count, closes, kept)

    def _note(
        self, interval: str, first: str, count: int, closes: Sequence[BarClose], kept: KeptCloses
    ) -> Sequence[BarClose]:
        """Remember the closes before `first`; `keep` will cache them in place of `kept`. Return the
        closes that the caller needs."""
        older = closes[: _count_before(closes, first)]
        most = max(count, _MOST_KEPT)
        is_whole = kept.is_whole and len(older) <= most
        self._found[interval] = KeptCloses(
            kept.basis, first, is_whole, kept.read_at, tuple(older[-most:])
        )
        return _from(closes, first, count)


class _Backwards:
    """The closes before `end`, newest first. Each close is read from the store once."""

    def __init__(self, end: str, closes: Iterator[Close]) -> None:
        self.end = end
        self._closes = closes
        self._known: list[Close] = []

    def __iter__(self) -> Iterator[Close]:
        yield from tuple(self._known)
        for close in self._closes:
            self._known.append(close)
            yield close


def _most_read(count: int) -> int:
    """Return how many stored bars may be read to find `count` regular ones."""
    return _READ_AT_LEAST + _READ_FOR_ONE * count


def _count_before(closes: Sequence[BarClose], first: str) -> int:
    return sum(close.label < first for close in closes)


def _from(closes: Sequence[BarClose], first: str, count: int) -> Sequence[BarClose]:
    return closes[max(0, _count_before(closes, first) - count) :]


def _last_parts(stored: Iterable[Close], interval: str) -> list[BarClose]:
    """Fold stored bars, in order, into the closes of bars of `interval`."""
    closes: dict[str, BarClose] = {}
    for one in stored:
        start = label(one.start, interval)
        is_hour = interval == "1h" and not one.ticks
        part = later(one.start, seconds=_LAST_MINUTE) if is_hour else one.start
        closes[start] = BarClose(start, part, (one.date, one.close), is_history=not one.ticks)
    return list(closes.values())
