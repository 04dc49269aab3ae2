"""Plan what to write for a batch of records. This module does no I/O."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.readings import Identity, Reading, identity_of
from chalicelib.domain.stamps import sequence_of
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, to_text
from chalicelib.domain.wire import Decoded, Rejected, decode
from chalicelib.services.priced import NEAR_SECONDS, PricedRecord, Span, StoredTick

Key = tuple[str, str]
"""The key of a prices item: its symbol and the timestamp of its last tick."""

MAX_SPAN_SECONDS = 60
MAX_TICKS = 500
"""The limits of one prices item. They keep items small. Readers look for an item's ticks no further
back than the limit of its span."""

TEN_MINUTES = len("2026-11-20T15:3")
MAX_SPANS = 8
"""The most spans of ticks that an item lists."""


class Incoming(msgspec.Struct, frozen=True):
    """One record of a stream or queue.

    `identifier` is reported on failure. `origin` is a shard or queue. `number` is the record's
    unique number there. `arrival` is when the stream accepted the record, or when its sender says
    that it was sent to the queue. `taken` is when the queue accepted it; None for a stream.
    """

    identifier: str
    origin: str
    number: str
    arrival: datetime
    payload: bytes
    taken: datetime | None = None


class Read(msgspec.Struct, frozen=True):
    """A record and its decoded contents."""

    record: Incoming
    decoded: Decoded


class Write(msgspec.Struct):
    """A prices item to put. `sources` has the indexes of the records that contained its ticks.
    `newest` says whether it is the symbol's newest item in the batch."""

    priced: PricedRecord
    sources: set[int]
    newest: bool = False


def read_all(records: Iterable[Incoming]) -> list[Read]:
    """Decode all records of a batch."""
    return [Read(one, decode(one.payload, one.arrival, one.number, one.taken)) for one in records]


def numbers_of(reads: Iterable[Read]) -> list[str]:
    """Return the numbers of a batch's records. They are part of the names of archive objects."""
    return [read.record.number for read in reads]


def items_of(decoded: Decoded) -> list[Tick | Bar]:
    """Return all ticks and historical bars of a record."""
    return [*decoded.ticks, *decoded.bars]


def without(read: Read, refusal: Callable[[Tick | Bar], str | None]) -> Read:
    """Return the record, with refused ticks and bars moved to its rejected parts.

    `refusal` returns why an item is refused, or None if it is not.
    """
    decoded = read.decoded
    reasons = [(item, reason) for item in items_of(decoded) if (reason := refusal(item))]
    if not reasons:
        return read
    refused = {item for item, _ in reasons}
    kept = msgspec.structs.replace(
        decoded,
        ticks=tuple(tick for tick in decoded.ticks if tick not in refused),
        bars=tuple(bar for bar in decoded.bars if bar not in refused),
        rejected=decoded.rejected + tuple(_rejected(item, reason) for item, reason in reasons),
        misread=decoded.misread + tuple(identity_of(item) for item in refused),
    )
    return Read(read.record, kept)


def with_rejected(read: Read, ticks: Sequence[Tick], reason: str) -> Read:
    """Return the record with copies of some of its ticks as rejected parts. It keeps the ticks."""
    parts = tuple(_rejected(tick, reason) for tick in ticks)
    decoded = msgspec.structs.replace(read.decoded, rejected=read.decoded.rejected + parts)
    return Read(read.record, decoded)


def plan_readings(reads: Iterable[Read]) -> list[Reading]:
    """Return the readings of a batch, in order of identity. An item has a reading if SQL would
    misread it from its line. If copies of an item contradict each other, the last copy also has
    one."""
    found: dict[Identity, Tick | Bar | None] = {}
    needed: set[Identity] = set()
    for read in reads:
        for identity in read.decoded.misread:
            needed.add(identity)
            found.setdefault(identity, None)
        for item in items_of(read.decoded):
            identity = identity_of(item)
            known = found.get(identity)
            if known is not None and known != item:
                needed.add(identity)
            found[identity] = item
    return [Reading(identity, found[identity]) for identity in sorted(needed)]


def _rejected(item: Tick | Bar, reason: str) -> Rejected:
    return Rejected(0, msgspec.json.encode(item), reason)


def identities_of(reads: Iterable[Read]) -> set[Identity]:
    """Return the identities of all items of the records, including refused ones."""
    found: set[Identity] = set()
    for read in reads:
        found.update(read.decoded.misread, map(identity_of, items_of(read.decoded)))
    return found


def plan_prices(reads: Sequence[Read], apart: Collection[str] = ()) -> list[Write]:
    """Return the prices items of a batch. Each key occurs once, and each symbol's newest item is
    marked. Each tick of a symbol in `apart` gets an item of its own.

    If two records have the same last tick, their ticks are merged, since BatchWriteItem accepts a
    key only once. The values of the later record win. Ticks that do not fit into the merged item
    get another item.
    """
    writes: dict[Key, Write] = {}
    _add(writes, _planned(reads, apart))
    _mark_newest(writes.values())
    return list(writes.values())


def _planned(reads: Sequence[Read], apart: Collection[str]) -> Iterator[Write]:
    for index, read in enumerate(reads):
        arrival, sequence = to_text(read.record.arrival), sequence_of(read.record.number)
        for ticks in _priced(read.decoded.ticks, apart):
            yield Write(PricedRecord(ticks, arrival, sequence=sequence), {index})


def packed_symbols(read: Read) -> set[str]:
    """Return the symbols whose ticks may share an item. The record has two ticks of each such
    symbol that are near enough to each other."""
    stamps: dict[str, list[str]] = defaultdict(list)
    for tick in read.decoded.ticks:
        stamps[tick.symbol].append(tick.timestamp)
    return {symbol for symbol, mine in stamps.items() if len(mine) > 1 and _any_near(mine)}


def _any_near(stamps: Iterable[str]) -> bool:
    instants = [from_text(stamp) for stamp in sorted(stamps)]
    gaps = (after - before for before, after in pairwise(instants))
    return any(gap.total_seconds() <= MAX_SPAN_SECONDS for gap in gaps)


def with_stored(writes: Sequence[Write], stored: Iterable[PricedRecord]) -> list[Write]:
    """Return the writes, merged with stored items so that no write overwrites stored ticks.

    `stored` has the table's items under the keys of the writes. A producer may repeat only a part
    of a record; the rest must not be lost. A part that moves to a key of its own must not undo a
    correction that is stored under this key.
    """
    planned = {write.priced.key: write for write in writes}
    _add(planned, [Write(record, set()) for record in stored], older=True)
    return list(planned.values())


def _add(writes: dict[Key, Write], new: Iterable[Write], *, older: bool = False) -> None:
    """Add `new` to `writes`, in order. If `older`, they count as older than the writes in `writes`.
    All writes of one key are merged at once, so that the work grows only with the number of their
    ticks. Ticks that do not fit into one item are added in a further round."""
    waiting = list(new)
    while waiting:
        groups: dict[Key, list[Write]] = {}
        for write in waiting:
            groups.setdefault(write.priced.key, []).append(write)
        waiting = []
        for key, mine in groups.items():
            known = [writes[key]] if key in writes else []
            writes[key], left = _merged([*mine, *known] if older else [*known, *mine])
            waiting += left


def plan_bars(reads: Sequence[Read]) -> tuple[list[Bar], list[int]]:
    """Return the historical bars of a batch, each key once, and the index of each bar's record.

    If several bars have one key, the last one wins. But an original bar wins over a folded one.
    """
    found: dict[tuple[str, str], tuple[Bar, int]] = {}
    for index, read in enumerate(reads):
        for bar in read.decoded.bars:
            known = found.get((bar.series, bar.start))
            if known is None or _replaces(bar, known[0]):
                found[bar.series, bar.start] = (bar, index)
    return [bar for bar, _ in found.values()], [index for _, index in found.values()]


def _replaces(bar: Bar, other: Bar) -> bool:
    """Return whether a historical bar replaces an earlier bar that has its key."""
    return not bar.folded or 0 < other.folded <= bar.folded


def _priced(ticks: Sequence[Tick], apart: Collection[str]) -> Iterable[tuple[Tick, ...]]:
    """Divide one record's ticks into items. The ticks are divided by symbol and ordered by time.
    Repeated timestamps are left out."""
    if len(ticks) == 1:
        yield (ticks[0],)
        return
    by_symbol: dict[str, dict[str, Tick]] = defaultdict(dict)
    for tick in ticks:
        by_symbol[tick.symbol][tick.timestamp] = tick
    for symbol, mine in by_symbol.items():
        found = [mine[stamp] for stamp in sorted(mine)]
        yield from ((tick,) for tick in found) if symbol in apart else _runs(found)


def _runs(ticks: Sequence[Tick]) -> Iterable[tuple[Tick, ...]]:
    """Divide a symbol's ticks into runs that each fit into one item."""
    run: list[Tick] = []
    for tick in ticks:
        if run and (len(run) >= MAX_TICKS or not _fits(run[0], tick)):
            yield tuple(run)
            run = []
        run.append(tick)
    if run:
        yield tuple(run)


def _fits(first: Tick, tick: Tick) -> bool:
    span = from_text(tick.timestamp) - from_text(first.timestamp)
    return span.total_seconds() <= MAX_SPAN_SECONDS and _shared(first) == _shared(tick)


def _shared(tick: Tick) -> tuple[str | None, ...]:
    return (
        tick.source,
        tick.mode,
        tick.currency,
        tick.exchange_timezone,
        tick.market_state,
        tick.split,
    )


def _merged(group: Sequence[Write]) -> tuple[Write, list[Write]]:
    """Merge writes of one key. Return the merged write, and others with the ticks that do not fit.

    If several writes have the same tick, the copy that arrived last wins. If copies arrived
    together, the copy of the last write wins.
    """
    newest = group[-1]
    if len(group) == 1:
        return newest, []
    copies: dict[str, StoredTick] = {}
    for stored in (stored for write in group for stored in write.priced.stored):
        known = copies.get(stored.tick.timestamp)
        if known is None or stored.arrival.order(known.arrival) >= 0:
            copies[stored.tick.timestamp] = stored
    last = copies[newest.priced.key[1]]
    alike = [one for one in copies.values() if _shared(one.tick) == _shared(last.tick)]
    kept = sorted(alike, key=_timestamp)[-MAX_TICKS:]
    held = {one.tick.timestamp for one in kept}
    left = [copies[stamp].tick for stamp in sorted(copies.keys() - held)]
    runs = [[copies[tick.timestamp] for tick in run] for run in _runs(left)]
    sources = set().union(*(write.sources for write in group))
    others = [Write(PricedRecord.of(run), sources) for run in runs]
    priced = msgspec.structs.replace(
        PricedRecord.of(kept),
        complete_from=newest.priced.complete_from,
        others=newest.priced.others,
        spans=newest.priced.spans,
    )
    return Write(priced, sources, newest.newest), others


def _timestamp(stored: StoredTick) -> str:
    return stored.tick.timestamp


def _mark_newest(writes: Iterable[Write]) -> None:
    by_symbol: dict[str, list[Write]] = defaultdict(list)
    for write in writes:
        by_symbol[write.priced.key[0]].append(write)
    for mine in by_symbol.values():
        first = min(write.priced.ticks[0].timestamp for write in mine)
        newest = max(mine, key=lambda write: write.priced.key[1])
        others = _digest([write for write in mine if write is not newest])
        spans = _spans_of(mine) if others else ()
        newest.priced = msgspec.structs.replace(
            newest.priced, complete_from=first, others=others, spans=spans
        )
        newest.newest = True


def _spans_of(writes: Sequence[Write]) -> tuple[Span, ...]:
    """Return the spans of the ticks, divided at the widest gaps; none if there is only one span. A
    batch may have a tick of last year and one of now. Detect must then not read the whole year."""
    near = timedelta(seconds=NEAR_SECONDS)
    items = sorted((ticks[0].timestamp, ticks[-1].timestamp) for ticks in map(_ticks, writes))
    gaps = [
        (from_text(after) - from_text(before), at)
        for at, ((_, before), (after, _)) in enumerate(pairwise(items), 1)
        if after[:TEN_MINUTES] != before[:TEN_MINUTES]
    ]
    widest = sorted((gap for gap in gaps if gap[0] > near), reverse=True)[: MAX_SPANS - 1]
    cuts = [0, *sorted(at for _, at in widest), len(items)]
    runs = [items[start:end] for start, end in pairwise(cuts)]
    return tuple((run[0][0], max(end for _, end in run)) for run in runs) if widest else ()


def _ticks(write: Write) -> tuple[Tick, ...]:
    return write.priced.ticks


def _digest(others: Iterable[Write]) -> str | None:
    """Return a digest of a symbol's other items in the batch; None if there are none. The digest
    makes the newest item differ from the stored one. A table's stream does not report an item that
    is put again unchanged. Detect would then miss a late tick between two stored ticks."""
    ticks = [write.priced.ticks for write in sorted(others, key=lambda write: write.priced.key)]
    return f"{zlib.crc32(msgspec.json.encode(ticks)):08x}" if ticks else None
