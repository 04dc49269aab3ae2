"""Stores of prices and bars in memory, by symbol and time.

Pages have only PAGE rows, so that readers have to read several pages.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.times import just_after, later
from chalicelib.services.priced import Copy, PricedRecord, StoredTick, supersedes
from chalicelib.services.stores import Close, Page, Refused, refused_by

SPAN_SECONDS = 60
PAGE = 1000


class Sorted:
    """Values under text keys, which are read by ranges of keys."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._values: dict[str, object] = {}

    def put(self, key: str, value: object) -> None:
        """Add a value, or replace the one under this key."""
        if key not in self._values:
            bisect.insort(self._keys, key)
        self._values[key] = value

    def get(self, key: str) -> object | None:
        """Return the value under a key, or None."""
        return self._values.get(key)

    def remove(self, key: str) -> None:
        """Remove a key, if it exists."""
        if self._values.pop(key, None) is not None:
            self._keys.remove(key)

    def between(self, start: str | None, end: str | None, descending: bool) -> list[str]:
        """Return the keys in `[start, end)`, in order."""
        low = bisect.bisect_left(self._keys, start) if start is not None else 0
        high = bisect.bisect_left(self._keys, end) if end is not None else len(self._keys)
        keys = self._keys[low:high]
        return keys[::-1] if descending else keys


def _is_deleted(bar: object) -> bool:
    return isinstance(bar, Bar) and bar.deleted


def _page(series: Sorted, keys: list[str], limit: int) -> Page[object]:
    kept = keys[: min(limit, PAGE)]
    more = len(keys) > len(kept)
    return Page(tuple(series._values[key] for key in kept), kept[-1] if more and kept else None)


class FakePrices:
    """A PriceStore in memory: records under the keys of their last ticks."""

    def __init__(self) -> None:
        self.series: dict[str, Sorted] = {}
        self.records: list[PricedRecord] = []

    def write(self, records: Sequence[PricedRecord], deadline: float) -> set[int]:
        """See PriceStore.write."""
        for record in records:
            self.records.append(record)
            self.series.setdefault(record.key[0], Sorted()).put(record.key[1], record)
        return set()

    def find_many(self, keys: Sequence[tuple[str, str]]) -> list[PricedRecord]:
        """See PriceStore.find_many."""
        found = (self.series.get(symbol, Sorted()).get(stamp) for symbol, stamp in keys)
        return [record for record in found if isinstance(record, PricedRecord)]

    def ticks(
        self,
        symbol: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        consistent: bool = False,
        most_copies: int | None = None,
        most: int | None = None,
    ) -> Page[StoredTick]:
        """See PriceStore.ticks. Returns up to `limit` ticks."""
        found = self._unpacked(symbol, start, end)
        stamps = sorted(found, reverse=descending)
        rows = tuple(found[stamp] for stamp in stamps[:limit])
        return Page(rows, stamps[limit - 1] if len(stamps) > limit else None)

    def arrival_after(self, symbol: str, after: str | None) -> str | None:
        """See PriceStore.arrival_after."""
        series = self.series.get(symbol, Sorted())
        start = just_after(after) if after is not None else None
        key = next(iter(series.between(start, None, descending=False)), None)
        record: Any = None if key is None else series.get(key)
        return None if record is None else str(record.ingested_at)

    def _unpacked(self, symbol: str, start: str | None, end: str | None) -> dict[str, StoredTick]:
        """Return ticks by timestamp. If there are several copies, the last to arrive wins."""
        series = self.series.get(symbol, Sorted())
        through = later(end, seconds=SPAN_SECONDS) if end is not None else None
        found: dict[str, Copy] = {}
        for key in series.between(start, through, descending=False):
            record: Any = series.get(key)
            for stored in record.stored:
                stamp = stored.tick.timestamp
                inside = (start is None or stamp >= start) and (end is None or stamp < end)
                if inside and (stamp not in found or supersedes((key, stored), found[stamp])):
                    found[stamp] = (key, stored)
        return {stamp: stored for stamp, (_, stored) in found.items()}


class FakeBars:
    """A BarStore in memory."""

    def __init__(self) -> None:
        self.series: dict[str, Sorted] = {}
        self.arrived: dict[tuple[str, str], str] = {}
        self.marks: Counter[str] = Counter()

    def bars(
        self,
        symbol: str,
        interval: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        consistent: bool = False,
        deleted: bool = False,
    ) -> Page[Bar]:
        """See BarStore.bars."""
        series = self.series.get(f"{symbol}#{interval}", Sorted())
        keys = series.between(start, end, descending)
        page = _page(series, [k for k in keys if deleted or not _is_deleted(series.get(k))], limit)
        return Page(tuple(bar for bar in page.rows if isinstance(bar, Bar)), page.next_key)

    def closes(
        self,
        symbol: str,
        interval: str,
        start: str | None,
        end: str | None,
        *,
        newest: int | None = None,
    ) -> Iterator[Close]:
        """See BarStore.closes."""
        series = self.series.get(f"{symbol}#{interval}", Sorted())
        for key in series.between(start, end, newest is not None):
            bar = series.get(key)
            if isinstance(bar, Bar) and not bar.deleted:
                date = bar.session_date or bar.start[:10]
                yield Close(bar.start, date, bar.close, bar.ticks, bar.extended)

    def put(self, bar: Bar, expires_from: str) -> bool:
        """See BarStore.put."""
        series = self.series.setdefault(bar.series, Sorted())
        stored = series.get(bar.key)
        if isinstance(stored, Bar) and (stored.ticks == 0 or stored.revision >= bar.revision):
            return False
        series.put(bar.key, bar)
        return True

    def discard(self, bar: Bar, expires_from: str) -> bool:
        """See BarStore.discard."""
        series = self.series.setdefault(bar.series, Sorted())
        stored = series.get(bar.key)
        if isinstance(stored, Bar) and (stored.ticks == 0 or stored.revision != bar.revision):
            return stored.deleted
        gone = msgspec.structs.replace(bar, deleted=True, revision=bar.revision + 1)
        series.put(bar.key, gone)
        return True

    def put_all(self, bars: Sequence[Bar], expires_from: str) -> Refused:
        """See BarStore.put_all."""
        stored = [None if self.put(bar, expires_from) else self._made(bar) for bar in bars]
        return refused_by(bars, stored)

    def _made(self, bar: Bar) -> Bar | None:
        stored = self.series[bar.series].get(bar.key)
        return stored if isinstance(stored, Bar) and stored.ticks > 0 else None

    def write_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """See BarStore.write_history."""
        for bar in bars:
            self.series.setdefault(bar.series, Sorted()).put(bar.start, bar)
            self.arrived[bar.series, bar.start] = arrival
        return set()

    def write_late_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """See BarStore.write_late_history."""
        for bar in bars:
            stored = self.series.setdefault(bar.series, Sorted()).get(bar.start)
            whole = isinstance(stored, Bar) and not stored.ticks and not stored.folded
            if not whole or self.arrived[bar.series, bar.start] <= arrival:
                self.write_history([bar], arrival, 0)
        return set()

    def fill(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """See BarStore.fill."""
        for bar in bars:
            series = self.series.setdefault(bar.series, Sorted())
            stored = series.get(bar.start)
            came = self.arrived.get((bar.series, bar.start), "")
            known = stored if isinstance(stored, Bar) and not stored.deleted else None
            if known is None or 0 < known.folded < bar.folded + (came <= arrival):
                series.put(bar.start, bar)
                self.arrived[bar.series, bar.start] = arrival
        return set()

    def mark_history(self, symbols: Sequence[str], deadline: float) -> set[int]:
        """See BarStore.mark_history."""
        self.marks.update(symbols)
        return set()

    def history_mark(self, symbol: str) -> str:
        """See BarStore.history_mark."""
        return str(self.marks[symbol] or "")
