"""Ticks as the prices table stores them, and the rule for which copy of a tick wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from chalicelib.domain.stamps import WHOLE
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text

Span = tuple[str, str]
"""The times of the first and the last tick of a span."""

NEAR_SECONDS = 600
"""Spans with a smaller gap between them are joined."""

CLOCK_SECONDS = 10
"""A stream's clock may go back by less than this from one record of a shard to the next. AWS:
"There are no guarantees about the time stamp accuracy, or that the time stamp is always increasing"
(API reference of Kinesis, Record)."""


class Arrival(NamedTuple):
    """When the stream accepted a record, and the record's number in its shard or group.

    Earlier versions of Ticktape stored only the last 20 bits of the number. Such a `sequence` is
    below WHOLE, and orders only the records of one millisecond.
    """

    ingested_at: str
    sequence: int = 0

    def order(self, other: Arrival) -> int:
        """Return a positive number if this record came after the other, a negative one if before.

        If the clock may have gone back, the numbers of the records decide. They increase within a
        shard.
        """
        mine, theirs = tuple(self), tuple(other)
        if min(self.sequence, other.sequence) >= WHOLE and _near(self, other):
            mine, theirs = mine[::-1], theirs[::-1]
        return (mine > theirs) - (mine < theirs)


def _near(one: Arrival, other: Arrival) -> bool:
    between = from_text(one.ingested_at) - from_text(other.ingested_at)
    return abs(between.total_seconds()) < CLOCK_SECONDS


class StoredTick(msgspec.Struct, frozen=True):
    """A tick, with the arrival of its record."""

    tick: Tick
    ingested_at: str
    sequence: int = 0

    @property
    def arrival(self) -> Arrival:
        """Return the record's arrival. Of two copies of a tick, the later arrival wins."""
        return Arrival(self.ingested_at, self.sequence)


class PricedRecord(msgspec.Struct, frozen=True):
    """An item of the prices table: the ticks of one symbol from one wire record. Its key is that of
    the last tick.

    `ticks` are in order of time and have one source and mode. `sequence` orders the records of a
    shard or group. If the ticks come from several records, `arrivals` has the arrival of each tick.
    `ingested_at` and `sequence` are then those of the last tick.

    Only the symbol's newest record of a batch has `complete_from`. All ticks from that instant up
    to the record's last tick are stored. If the batch has other ticks of the symbol, `others` is
    their digest. If the ticks of the batch form several spans, `spans` lists these.
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
        """Return an item with these ticks. They must be in order of time, and may come from several
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
        """Return the item's key: the symbol and the time of the last tick."""
        return self.ticks[-1].symbol, self.ticks[-1].timestamp

    @property
    def stored(self) -> list[StoredTick]:
        """Return the ticks, each with the arrival of its record."""
        arrivals = self.arrivals or [Arrival(self.ingested_at, self.sequence)] * len(self.ticks)
        return [StoredTick(tick, *at) for tick, at in zip(self.ticks, arrivals, strict=True)]


Copy = tuple[str, StoredTick]
"""The timestamp in an item's key, and a copy of a tick that is stored in the item."""


def supersedes(copy: Copy, other: Copy) -> bool:
    """Return whether a copy of a tick wins over another because it came later.

    If both come from one record, the copy that is the last tick of its item wins.
    """
    (key, mine), (other_key, theirs) = copy, other
    if order := mine.arrival.order(theirs.arrival):
        return order > 0
    stamp = mine.tick.timestamp
    return (stamp == key, key) > (stamp == other_key, other_key)
