"""Ticks as stored in the prices table: the record each came in, and which copy of a tick wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from chalicelib.domain.stamps import WHOLE
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text

Span = tuple[str, str]
"""The first and the last instant of a span of ticks."""

NEAR_SECONDS = 600
"""Spans closer to each other than this are joined."""

CLOCK_SECONDS = 10
"""A stream's clock may go back by less than this between consecutive records of a shard. AWS:
"There are no guarantees about the time stamp accuracy, or that the time stamp is always increasing"
(API reference of Kinesis, Record)."""


class Arrival(NamedTuple):
    """The time at which the stream accepted a record, and the record's number in its shard or
    group.

    Earlier versions stored only the last 20 bits of the number, which order only the records of one
    millisecond. Such a sequence is below WHOLE.
    """

    ingested_at: str
    sequence: int = 0

    def order(self, other: Arrival) -> int:
        """Return above 0 if this record came later than the other, below 0 if it came earlier.

        If the clock may have gone back, the records' numbers decide: they increase within a shard.
        """
        mine, theirs = tuple(self), tuple(other)
        if min(self.sequence, other.sequence) >= WHOLE and _near(self, other):
            mine, theirs = mine[::-1], theirs[::-1]
        return (mine > theirs) - (mine < theirs)


def _near(one: Arrival, other: Arrival) -> bool:
    between = from_text(one.ingested_at) - from_text(other.ingested_at)
    return abs(between.total_seconds()) < CLOCK_SECONDS


class StoredTick(msgspec.Struct, frozen=True):
    """A tick and its record's arrival."""

    tick: Tick
    ingested_at: str
    sequence: int = 0

    @property
    def arrival(self) -> Arrival:
        """Return the arrival: of two copies of a tick, the later one wins."""
        return Arrival(self.ingested_at, self.sequence)


class PricedRecord(msgspec.Struct, frozen=True):
    """The ticks of a symbol in one wire record: one item of the prices table, keyed by its last
    tick.

    `ticks` are in order of time, of one source and mode. `sequence` orders the records of a shard
    or group. If ticks of several records share the item, `arrivals` has one for each tick; the
    item's own is the last tick's.

    The symbol's newest record of a batch has `complete_from`: all ticks from that instant to its
    own are stored. If the batch has other ticks of the symbol, this record also has `others`, a
    digest of them. If the batch's ticks have several spans, it has these as `spans`.
    """

    ticks: tuple[Tick, ...]
    ingested_at: str
    complete_from: str | None = None
    others: str | None = None
    sequence: int = 0
    spans: tuple[Span, ...] = ()
    arrivals: tuple[Arrival, ...] = ()

    @classmethod
    def of(cls, stored: Sequence[StoredTick]) -> PricedRecord:
        """Return an item with these ticks, which are in order of time and may come from several
        records."""
        arrivals = tuple(one.arrival for one in stored)
        last = arrivals[-1]
        return cls(
            tuple(one.tick for one in stored),
            last.ingested_at,
            sequence=last.sequence,
            arrivals=arrivals if set(arrivals) != {last} else (),
        )

    @property
    def key(self) -> tuple[str, str]:
        """Return the item's key."""
        return self.ticks[-1].symbol, self.ticks[-1].timestamp

    @property
    def stored(self) -> list[StoredTick]:
        """Return the ticks, each with its arrival."""
        arrivals = self.arrivals or [Arrival(self.ingested_at, self.sequence)] * len(self.ticks)
        return [StoredTick(tick, *at) for tick, at in zip(self.ticks, arrivals, strict=True)]


Copy = tuple[str, StoredTick]
"""A copy of a tick, after the key of the item that holds it."""


def supersedes(copy: Copy, other: Copy) -> bool:
    """Return whether a copy of a tick wins over another because it came later.

    If both come from one record, the copy that is the last tick of its item wins.
    """
    (key, mine), (other_key, theirs) = copy, other
    if order := mine.arrival.order(theirs.arrival):
        return order > 0
    stamp = mine.tick.timestamp
    return (stamp == key, key) > (stamp == other_key, other_key)
