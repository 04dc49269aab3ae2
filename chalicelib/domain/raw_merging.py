"""Merges batches of the raw archive into one: all their lines, and the readings that SQL needs.

If a tick has several copies, SQL takes the copy in the object with the highest last sequence
number. Within one object SQL cannot distinguish copies, so a reading says which copy to take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.raw_lines import Line
from chalicelib.domain.readings import Identity, Reading, bars_start, identity_of
from chalicelib.domain.ticks import Tick

ReadingRow = dict[str, str]
"""A line under `readings/`: a complete tick or bar, or a refused identity."""


class RawBatch(msgspec.Struct, frozen=True):
    """The last sequence number, the lines and the readings of an object under `raw/`."""

    number: int
    lines: tuple[Line, ...]
    readings: tuple[ReadingRow, ...] = ()


def merged_lines(batches: Iterable[RawBatch]) -> list[Line]:
    """Return the lines of all batches in order. Repeated lines are left out."""
    return list(dict.fromkeys(line for batch in batches for line in batch.lines))


def merged_readings(batches: Sequence[RawBatch]) -> list[ReadingRow]:
    """Return the readings for the merged lines, with which SQL takes the same ticks as before."""
    told = [{_identity_of(row): row for row in batch.readings} for batch in batches]
    contested = _contradicted(batches) | {identity for rows in told for identity in rows}
    if not contested:
        return []
    best = _best(batches, told, contested)
    rows = (_chosen(identity, best, told) for identity in sorted(contested))
    return [row for row in rows if row is not None]


_LATEST = datetime(9998, 1, 1, tzinfo=UTC)
"""Stands for an unknown arrival. No timestamp is later."""


class _Stamped(msgspec.Struct):
    symbol: str
    timestamp: str
    sent_at: str | None = None
    bar: str | None = None


_stamped = msgspec.json.Decoder(_Stamped)


def _identity(line: bytes) -> Identity | None:
    """Return the identity that SQL gives a line; None if the line has none."""
    try:
        found = _stamped.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if found.bar is None:
        return found.symbol.upper(), found.timestamp
    start = bars_start(found.timestamp)
    return (found.symbol.upper(), start, found.bar) if start else None


def _identity_of(row: Mapping[str, str]) -> Identity:
    interval = (row["bar"],) if "bar" in row else ()
    return row["symbol"], row["timestamp"], *interval


def _contradicted(batches: Iterable[RawBatch]) -> set[Identity]:
    first: dict[Identity, bytes] = {}
    found: set[Identity] = set()
    for batch in batches:
        for line, _ in batch.lines:
            identity = _identity(line)
            if identity is not None and first.setdefault(identity, line) != line:
                found.add(identity)
    return found


class _Copy(msgspec.Struct, frozen=True):
    """A copy of a tick or bar in one batch. The copy with the highest rank counts, as in
    raw_ticks.sql and raw_bars.sql."""

    number: int
    has_sent_at: bool
    sent_at: str
    price: Decimal
    place: int
    row: ReadingRow

    @property
    def rank(self) -> tuple[int, bool, str, Decimal, int]:
        return self.number, self.has_sent_at, self.sent_at, self.price, self.place


def _best(
    batches: Sequence[RawBatch],
    told: Sequence[Mapping[Identity, ReadingRow]],
    contested: set[Identity],
) -> Mapping[Identity, _Copy]:
    """Return the copy of each contested identity that SQL would take from the batches.

    Only this copy is kept in memory, since a sender may repeat a tick in every batch.
    """
    found: dict[Identity, _Copy] = {}
    for place, (batch, rows) in enumerate(zip(batches, told, strict=True)):
        for identity, copy in _offered(place, batch, rows, contested):
            if identity not in found or copy.rank > found[identity].rank:
                found[identity] = copy
    return found


def _offered(
    place: int, batch: RawBatch, rows: Mapping[Identity, ReadingRow], contested: set[Identity]
) -> Iterator[tuple[Identity, _Copy]]:
    for identity, row in rows.items():
        if "refused" not in row:
            yield identity, _Copy(batch.number, False, "", Decimal(row["price"]), place, row)
    for line in batch.lines:
        of_line = _identity(line[0])
        if of_line in contested and of_line not in rows:
            for copy in _copies_in(batch.number, place, line):
                yield of_line, copy


def _copies_in(number: int, place: int, line: Line) -> Iterator[_Copy]:
    """Yield the tick or bar that SQL reads from a line, if there is one."""
    from chalicelib.domain.wire import decode

    decoded = decode(line[0], line[1] or _LATEST)
    items: tuple[Tick | Bar, ...] = (*decoded.ticks, *decoded.bars)
    if len(items) != 1 or decoded.rejected or decoded.misread:
        return
    (item,) = items
    sent = _stamped.decode(line[0]).sent_at
    price = item.close if isinstance(item, Bar) else item.price
    row = Reading(identity_of(item), item).row()
    yield _Copy(number, sent is not None, sent or "", price, place, row)


def _chosen(
    identity: Identity,
    best: Mapping[Identity, _Copy],
    told: Sequence[Mapping[Identity, ReadingRow]],
) -> ReadingRow | None:
    if identity in best:
        return best[identity].row
    return next((rows[identity] for rows in told if identity in rows), None)
