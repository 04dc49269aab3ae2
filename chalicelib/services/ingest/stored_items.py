"""Merge writes with the stored items that they would overwrite, up to limits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence, Set
from itertools import takewhile

import msgspec

from chalicelib.services.ingest.plan import Key, Read, Write, plan_prices, with_stored
from chalicelib.services.priced import PricedRecord
from chalicelib.services.stores import PriceStore

MOST_MOVES = 20
"""The most rounds of reading stored items. A tick that replaces a stored one may divide the item
that holds it. A part of this item then gets a new key, and may replace yet another item."""

MOST_STORED = 100_000
"""The most stored ticks that are read and merged at a time. A record that repeats stored ticks
stays below this: a Lambda event has 6 MB, which is room for 80,000 ticks."""

ITEMS_A_READ = 100
"""The number of items read per request. Items have at most 500 ticks each. Reading therefore ends
at most 50,000 ticks beyond MOST_STORED."""

TOO_MANY_MOVES = f"timestamp: more than {MOST_MOVES} stored items would have to be moved"
TOO_MUCH_STORED = (
    f"timestamp: the record would be merged with more than {MOST_STORED:,} stored ticks"
)

Refused = tuple[Write, str]
"""A write that is refused, and the reason."""


class Portion(msgspec.Struct, frozen=True):
    """The writes of a batch's first `records` records, merged with stored items, and the refused
    writes."""

    records: int
    writes: list[Write]
    refused: list[Refused]


class _Merged(msgspec.Struct, frozen=True):
    """Merged writes, and the writes that are left out because they would move too many items.

    `read` has the keys that were read. If `is_whole` is false, reading stopped at MOST_STORED. The
    writes whose keys were to be read next are then left out too.
    """

    writes: list[Write]
    left_out: list[Write]
    read: Set[Key]
    is_whole: bool


class StoredItems:
    """The stored items that writes may overwrite."""

    def __init__(self, prices: PriceStore, may_overwrite: Callable[[Write], bool]) -> None:
        """`may_overwrite` says whether to read the item that is stored under a write's key."""
        self._prices = prices
        self._may_overwrite = may_overwrite

    def portion(self, reads: Sequence[Read], apart: Collection[str]) -> Portion:
        """Return the writes of all records. If more than MOST_STORED stored ticks would be merged
        with them, return only the writes of the first records.

        At least one record is taken. If too many ticks would be merged with this record, some of
        its writes are refused.
        """
        count = len(reads)
        while True:
            writes = plan_prices(reads[:count], apart=apart)
            if count == 1:
                return self._of_one_record(writes)
            merged = self._merged(writes)
            if merged.is_whole:
                return Portion(count, merged.writes, _too_many_moves(merged))
            unread = (min(write.sources) for write in writes if self._is_unread(write, merged.read))
            count = max(1, min([count // 2, *unread]))

    def _of_one_record(self, writes: Sequence[Write]) -> Portion:
        """Return a portion with as many writes of one record as fit, and refuse the others. Each
        symbol's newest write comes first. Without it, detect would not learn of the others."""
        ordered = sorted(writes, key=lambda write: not write.newest)
        count = len(ordered)
        while True:
            merged = self._merged(ordered[:count])
            if merged.is_whole or count == 1:
                break
            taken = takewhile(lambda write: not self._is_unread(write, merged.read), ordered)  # noqa: B023
            count = max(1, min(count // 2, len(list(taken))))
        refused = [(write, TOO_MUCH_STORED) for write in ordered[count:]]
        return Portion(1, merged.writes, [*_too_many_moves(merged), *refused])

    def _merged(self, writes: list[Write]) -> _Merged:
        """Merge writes with the items that they would overwrite.

        A part of a stored item may get a key of its own and replace another item in turn, and so
        on. Writes beyond MOST_MOVES or MOST_STORED are left out. The items under their keys remain,
        with an older copy of their last ticks.
        """
        read: set[Key] = set()
        room = MOST_STORED
        for _ in range(MOST_MOVES):
            asked = self._to_read(writes, read)
            if not asked:
                return _Merged(writes, [], read, is_whole=True)
            stored = self._read(asked, room, read)
            if not read.issuperset(asked):
                return _without(writes, set(asked), read, is_whole=False)
            room -= sum(len(record.ticks) for record in stored)
            writes = with_stored(writes, stored) if stored else writes
        return _without(writes, set(self._to_read(writes, read)), read, is_whole=True)

    def _read(self, asked: Sequence[Key], room: int, read: set[Key]) -> list[PricedRecord]:
        """Read and return items until they have `room` ticks. Add the keys that were read to the
        set `read`."""
        stored: list[PricedRecord] = []
        for at in range(0, len(asked), ITEMS_A_READ):
            if room <= 0:
                break
            some = asked[at : at + ITEMS_A_READ]
            found = self._prices.find_many(some)
            read.update(some)
            room -= sum(len(record.ticks) for record in found)
            stored += found
        return stored

    def _to_read(self, writes: Iterable[Write], already_read: Set[Key]) -> list[Key]:
        return [write.priced.key for write in writes if self._is_unread(write, already_read)]

    def _is_unread(self, write: Write, already_read: Set[Key]) -> bool:
        return write.priced.key not in already_read and self._may_overwrite(write)


def _without(writes: Sequence[Write], keys: Set[Key], read: Set[Key], *, is_whole: bool) -> _Merged:
    kept = [write for write in writes if write.priced.key not in keys]
    left_out = [write for write in writes if write.priced.key in keys]
    return _Merged(kept, left_out, read, is_whole)


def _too_many_moves(merged: _Merged) -> list[Refused]:
    return [(write, TOO_MANY_MOVES) for write in merged.left_out]
