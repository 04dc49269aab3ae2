"""Archive the records of a batch, write their prices, and report the records to deliver again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.ingest.known_symbols import Foreign, KnownSymbols, offered_by
from chalicelib.services.ingest.new_symbols import MAX_SYMBOLS, half_way, within_symbol_limit
from chalicelib.services.ingest.plan import (
    Incoming,
    Read,
    Write,
    identities_of,
    items_of,
    numbers_of,
    plan_bars,
    plan_readings,
    read_all,
    with_rejected,
    without,
)
from chalicelib.services.ingest.quarantine import last_reason, quarantine
from chalicelib.services.ingest.stored_items import Refused, StoredItems
from chalicelib.services.ingest.symbol_problems import SymbolProblems
from chalicelib.services.ingest.told_actions import ToldActions, with_sound_actions
from chalicelib.services.ingest.told_sources import ToldSources
from chalicelib.services.priced import CLOCK_SECONDS
from chalicelib.services.stores import Stores

LATE_SECONDS = 120
HOUR = len("2026-11-20T15")


class Ingested(msgspec.Struct, frozen=True):
    """The result of a batch.

    `taken` counts the ticks found in records, `stored` the stored ticks, `bars` the stored
    historical bars, and `quarantined` the quarantined parts. `failed` has the indexes of records to
    be delivered again. `reason` says why the last quarantined part was rejected; it is empty if
    there is none. `oldest_age_seconds` is the age of the oldest live tick.
    """

    taken: int
    stored: int
    bars: int
    quarantined: int
    failed: frozenset[int]
    reason: str
    oldest_age_seconds: float

    def identifiers(self, records: Sequence[Incoming], *, all_later: bool) -> list[str]:
        """Return the identifiers to report. This is the identifier of the first failed record. If
        `all_later` (for a FIFO queue), the identifiers of all later records follow."""
        if not self.failed:
            return []
        first = min(self.failed)
        reported = records[first:] if all_later else records[first : first + 1]
        return [record.identifier for record in reported]


class _Stored(msgspec.Struct, frozen=True):
    """The records whose prices were written, and the number of stored ticks. `failed` has the
    indexes of records with a write that was not acknowledged."""

    reads: list[Read]
    stored: int
    failed: set[int]


class Ingest:
    """The service that the stream's and the queue's handlers call. A container has one instance."""

    def __init__(
        self, stores: Stores, clock: Callable[[], datetime], max_symbols: int = MAX_SYMBOLS
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._known = KnownSymbols(stores.symbols, clock, max_symbols)
        self._told = ToldSources(stores.archive, clock)
        self._actions = ToldActions(stores)
        self._problems = SymbolProblems(stores.symbols, clock)

    def __call__(self, records: Sequence[Incoming], deadline: float) -> Ingested:
        """Process a batch in the order of delivery.

        A record has failed if one of its writes is not acknowledged by `deadline` (time.monotonic).
        The first record for which there was no time has failed too, and no later record is stored.
        There is no time if its symbols could not be registered, or if too many stored ticks were
        merged with earlier records. Errors of the archive are raised; nothing counts as processed
        then.
        """
        reads = [within_symbol_limit(read) for read in read_all(records)]
        offered = offered_by(reads)
        refused = self._known.learn(offered, half_way(deadline))
        reads = self._learnt(reads, refused)
        learnt = [symbol for symbol in offered if symbol in self._known]
        foreign = Foreign(self._known)
        reads = [without(read, lambda item: refused.get(item.symbol)) for read in reads]
        reads = [without(read, foreign.reason) for read in reads]
        reads = with_sound_actions(reads, self._known, foreign.reason)
        self._told.tell(learnt, self._known)
        self._archive(reads)
        prices = self._store_prices(reads, self._known.not_yet_shared(learnt), deadline)
        reads, failed = prices.reads, prices.failed
        cut = frozenset({len(reads)} if len(reads) < len(records) else ())
        bars, bar_sources = plan_bars(reads)
        unwritten = self._write_bars(bars, reads[0].record.arrival, deadline) if bars else set()
        failed |= {bar_sources[index] for index in unwritten}
        reads, unsettled = self._actions.store(reads, deadline)
        failed |= unsettled
        if foreign.found:
            self._problems.note(foreign.found, to_text(reads[0].record.arrival), deadline)
        taken = sum(len(read.decoded.ticks) for read in reads)
        return Ingested(
            taken=taken,
            stored=prices.stored,
            bars=len(bars) - len(unwritten),
            quarantined=sum(len(read.decoded.rejected) for read in reads),
            failed=frozenset(failed | cut),
            reason=last_reason(reads),
            oldest_age_seconds=self._oldest_age(reads),
        )

    def _learnt(self, reads: Sequence[Read], refused: Mapping[str, str]) -> list[Read]:
        """Return the records before the first one that has an unregistered symbol. There was no
        time to register that symbol."""

        def is_known(read: Read) -> bool:
            symbols = (item.symbol for item in items_of(read.decoded))
            return all(symbol in self._known or symbol in refused for symbol in symbols)

        return list(takewhile(is_known, reads))

    def unlearn(self, symbol: str) -> None:
        """Drop a forgotten symbol's cached entry. The symbol's next record causes a new read."""
        self._known.unlearn(symbol)

    def _archive(self, reads: Sequence[Read]) -> None:
        planned = plan_readings(reads)  # for the batch, not for each hour
        for mine in _by_hour(reads):
            place = to_text(mine[0].record.arrival), mine[0].record.origin, numbers_of(mine)
            identities = identities_of(mine)
            readings = [reading for reading in planned if reading.identity in identities]
            lines = [line for read in mine for line in read.decoded.lines]
            if readings:  # before the lines, which SQL would misread without them
                self._stores.archive.put_readings(*place, lines, readings)
            self._stores.archive.put_raw(*place, lines)
        quarantine(self._stores.archive, reads)

    def _late(self) -> str:
        """Return the time before which an arrival is late: a correction may be stored already."""
        return to_text(self._clock() - timedelta(seconds=LATE_SECONDS))

    def _stored_items(self) -> StoredItems:
        """Return the stored items that writes may overwrite. They are read for symbols ever sent
        packed. They are also read for late records, since a correction may be stored."""
        late = self._late()

        def may_overwrite(write: Write) -> bool:
            return write.priced.ingested_at < late or bool(self._known[write.priced.key[0]].packed)

        return StoredItems(self._stores.prices, may_overwrite)

    def _store_prices(
        self, reads: Sequence[Read], apart: Collection[str], deadline: float
    ) -> _Stored:
        """Store the prices in portions, for half of the time that is left.

        A portion takes far less time than the other half. The first portion is always stored, so
        that each delivery makes progress.
        """
        items, until = self._stored_items(), half_way(deadline)
        done: list[Read] = []
        stored = 0
        failed: set[int] = set()
        while len(done) < len(reads):
            at = len(done)
            if at and (failed or time.monotonic() >= until):
                break
            portion = items.portion(reads[at:], apart)
            done += self._with_refused(reads[at : at + portion.records], portion.refused)
            unwritten = self._write_prices(portion.writes, deadline)
            stored += sum(len(w.priced.ticks) for w in portion.writes if not w.sources & unwritten)
            failed |= {at + index for index in unwritten}
        return _Stored(done, stored, failed)

    def _with_refused(self, reads: Sequence[Read], refused: Iterable[Refused]) -> list[Read]:
        """Quarantine refused ticks. Return the records with these ticks as rejected parts."""
        left = list(reads)
        for write, reason in refused:
            index = min(write.sources)
            left[index] = with_rejected(left[index], write.priced.ticks, reason)
        changed = (index for index, read in enumerate(reads) if left[index] is not read)
        quarantine(self._stores.archive, [left[index] for index in changed])
        return left

    def _write_prices(self, writes: Sequence[Write], deadline: float) -> set[int]:
        """Write prices, each symbol's newest item last, and only if all its other items are
        acknowledged. Return the indexes of the records of symbols that have an unacknowledged
        item."""
        others = [write for write in writes if not write.newest]
        failed = self._put(others, deadline)
        symbols = {write.priced.key[0] for write in failed}
        newest = [w for w in writes if w.newest and w.priced.key[0] not in symbols]
        symbols |= {write.priced.key[0] for write in self._put(newest, deadline)}
        return set().union(*(w.sources for w in writes if w.priced.key[0] in symbols))

    def _put(self, writes: Sequence[Write], deadline: float) -> list[Write]:
        if not writes:
            return []
        left = self._stores.prices.write([write.priced for write in writes], deadline)
        return [writes[index] for index in left]

    def _write_bars(self, bars: Sequence[Bar], arrived: datetime, deadline: float) -> set[int]:
        """Write historical bars. Return the indexes of those not acknowledged by the deadline."""
        arrival = to_text(arrived)
        whole = [index for index, bar in enumerate(bars) if not bar.folded]
        folded = [index for index, bar in enumerate(bars) if bar.folded]
        unwritten: set[int] = set()
        for indexes, write in (
            (whole, self._history_writer(arrival)),
            (folded, self._stores.bars.fill),
        ):
            if indexes:
                left = write([bars[index] for index in indexes], arrival, deadline)
                unwritten |= {indexes[at] for at in left}
        return unwritten | self._mark(bars, deadline)

    def _history_writer(self, arrival: str) -> Callable[[Sequence[Bar], str, float], set[int]]:
        store = self._stores.bars
        return store.write_late_history if arrival < self._late() else store.write_history

    def _mark(self, bars: Sequence[Bar], deadline: float) -> set[int]:
        """Change the history marks of the bars' symbols, so that containers drop cached bars.
        Return the indexes of the bars whose symbol's mark was not changed by the deadline."""
        symbols = sorted({bar.symbol for bar in bars})
        left = {symbols[index] for index in self._stores.bars.mark_history(symbols, deadline)}
        return {index for index, bar in enumerate(bars) if bar.symbol in left}

    def _oldest_age(self, reads: Iterable[Read]) -> float:
        """Return the age of the oldest live tick now, in seconds; 0 if there is none."""
        stamps = [t.timestamp for read in reads for t in read.decoded.ticks if t.mode == "live"]
        return (self._clock() - from_text(min(stamps))).total_seconds() if stamps else 0.0


def _by_hour(reads: Iterable[Read]) -> Iterable[list[Read]]:
    """Group the records that have lines by hour of arrival. A message that its sender dates far
    back then does not move other ticks to an hour that SQL no longer reads.

    A stream's clock may go back a little. A record that is less than CLOCK_SECONDS older than the
    newest earlier record therefore joins that record's hour.
    """
    found: dict[str, list[Read]] = {}
    newest: datetime | None = None
    for read in reads:
        if read.decoded.lines:
            arrival = read.record.arrival
            newest = max(newest or arrival, arrival)
            is_near = newest - arrival < timedelta(seconds=CLOCK_SECONDS)
            found.setdefault(to_text(newest if is_near else arrival)[:HOUR], []).append(read)
    return found.values()
