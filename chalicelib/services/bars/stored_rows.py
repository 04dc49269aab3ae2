"""Read stored regular bars for conditions. Series made from the same bars share one read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from chalicelib.domain.bars import Bar
from chalicelib.domain.times import just_after
from chalicelib.services.bars.other_rows import OtherRows
from chalicelib.services.bars.time_limits import TimeIsUp, never
from chalicelib.services.stores import BarStore

_PAGE = 2_500
"""The number of bars in a page: about 1 MB, the most that one Query returns."""

_MOST_EXTENDED = 4
"""How many stored bars may be read for each regular bar needed, since extended bars are skipped."""

FREE_PAGES = 8

NO_VERSIONS: Mapping[str, object] = MappingProxyType({})


class Rows(NamedTuple):
    """Bars in order. `is_cut` says whether older bars were left out."""

    bars: list[Bar]
    is_cut: bool


class _Read(NamedTuple):
    """All regular bars of a range that begins at `start`. An empty `start` means that no earlier
    bars are stored."""

    start: str
    bars: list[Bar]


class StoredRows:
    """Reads stored bars and caches them until `forget`. All bars of 5, 15 and 30 minutes are thus
    made from one read of the minutes.

    Reads are consistent by default. Once `time_is_up`, a read raises TimeIsUp before its next page.
    The first FREE_PAGES are always read, so a preview that continues another gets further.
    """

    def __init__(
        self,
        bars: BarStore,
        prepare: Callable[[Bar], Bar],
        *,
        consistent: bool = True,
        time_is_up: Callable[[], bool] = never,
        others: OtherRows | None = None,
        versions: Mapping[str, object] = NO_VERSIONS,
    ) -> None:
        """Create a reader. `prepare` completes a stored bar. `others` caches bars of the symbols in
        `versions`."""
        self._bars = bars
        self._prepare = prepare
        self._others = others
        self._versions = versions
        self._consistent = consistent
        self._time_is_up = time_is_up
        self._kept: dict[tuple[str, str, str], _Read] = {}
        self._pages = 0

    def forget(self) -> None:
        """Drop the cached bars."""
        self._kept.clear()

    def newest(self, symbol: str, base: str, first: str, until: str, wanted: int) -> Rows:
        """Return at least the newest `wanted` bars before `first`, and all from `first` up to
        `until`. There are fewer if fewer are stored, or if there are too many extended bars."""
        kept = self._kept.get((symbol, base, until))
        if kept is not None:
            older = bisect_left(kept.bars, first, key=_start)
            if older >= wanted or not kept.start:
                cut = max(0, older - wanted)
                return Rows(kept.bars[cut:], bool(cut or kept.start))
        read = self._newest(symbol, base, first, until, wanted)
        self._kept[symbol, base, until] = read
        return Rows(read.bars, bool(read.start))

    def since(self, symbol: str, base: str, start: str, until: str) -> list[Bar]:
        """Return the bars from `start` up to `until`."""
        kept = self._kept.get((symbol, base, until))
        if kept is None or kept.start > start:
            kept = _Read(start, self._since(symbol, base, start, until))
            self._kept[symbol, base, until] = kept
        return kept.bars[bisect_left(kept.bars, start, key=_start) :]

    def _newest(self, symbol: str, base: str, first: str, until: str, wanted: int) -> _Read:
        others = self._others if symbol in self._versions else None
        if others and others.is_empty(symbol, base, self._versions[symbol]):
            return _Read("", [])
        rows: list[Bar] = []
        end: str | None = until
        read = older = 0
        while end is not None and older < wanted and read < _PAGE + _MOST_EXTENDED * wanted:
            self._check_time()
            limit = min(_PAGE, wanted + 60)
            page = self._bars.bars(
                symbol, base, None, end, limit=limit, descending=True, consistent=self._consistent
            )
            before = [bar for bar in page.rows if bar.start < first]
            read += len(before)
            older += sum(not bar.extended for bar in before)
            rows += [self._prepare(bar) for bar in page.rows if not bar.extended]
            end = page.next_key
        if others and not rows and end is None:
            others.note_none_before(symbol, base, self._versions[symbol], until)
        return _Read(end or "", rows[::-1])

    def _since(self, symbol: str, base: str, begin: str, until: str) -> list[Bar]:
        if self._others and symbol in self._versions:
            found = self._others.since(symbol, base, self._versions[symbol], begin)
            if found is not None:
                found = found[: bisect_left(found, until, key=_start)]
                return [self._prepare(bar) for bar in found]
        rows: list[Bar] = []
        start: str | None = begin
        while start is not None:
            self._check_time()
            page = self._bars.bars(
                symbol, base, start, until, limit=_PAGE, consistent=self._consistent
            )
            rows += [self._prepare(bar) for bar in page.rows if not bar.extended]
            start = just_after(page.next_key) if page.next_key is not None else None
        return rows

    def _check_time(self) -> None:
        self._pages += 1
        if self._pages > FREE_PAGES and self._time_is_up():
            raise TimeIsUp


def _start(bar: Bar) -> str:
    return bar.start
