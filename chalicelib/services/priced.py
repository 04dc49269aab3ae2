"""Ticks as the prices table holds them: which record they came with, and which copy counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from chalicelib.domain.stamps import WHOLE
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text

Span = tuple[str, str]
"""The first and the last instant of a stretch of ticks."""

NEAR_SECONDS = 600
"""Stretches nearer to each other than this are one."""


CLOCK_SECONDS = 10
"""A stream's clock may go back by less than this from one record of a shard to the next. AWS:
"There are no guarantees about the time stamp accuracy, or that the time stamp is always
increasing" (API reference of Kinesis, Record)."""


class Arrival(NamedTuple):
    """When the stream took a record, and its place among the records of its shard or group.

    Sequences below WHOLE were stored by earlier versions: the last 20 bits of a record's number,
    which order the records of one millisecond alone.
    """

    ingested_at: str
    sequence: int = 0

    def order(self, other: Arrival) -> int:
        """Above 0 if this record came later than the other, below 0 if it came earlier.

        Where the clock may have gone back the numbers decide: they grow within a shard.
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
        """Of two copies of a tick, the one that arrived later counts."""
        return Arrival(self.ingested_at, self.sequence)


class PricedRecord(msgspec.Struct, frozen=True):
    """One wire record's ticks of a symbol: one item of the prices table, keyed by its last tick.

    `ticks` in order of time, one source and mode; `complete_from` stands on the newest record of
    a batch and says that from there to here everything is stored; `others` beside it is a digest
    of the symbol's other ticks in that batch, where it had others, and `spans` are the stretches
    that the batch's ticks lie in, where they are several. `sequence` orders the records
    of a shard or group. Where ticks of several records share the
    item, `arrivals` holds one for each tick; the item's own is the last tick's.
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
        """An item of ticks, whichever records they came with."""
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
        """The item's key."""
        return self.ticks[-1].symbol, self.ticks[-1].timestamp

    @property
    def stored(self) -> list[StoredTick]:
        """The ticks, each with its arrival."""
        arrivals = self.arrivals or [Arrival(self.ingested_at, self.sequence)] * len(self.ticks)
        return [StoredTick(tick, *at) for tick, at in zip(self.ticks, arrivals, strict=True)]


Copy = tuple[str, StoredTick]
"""A copy of a tick, behind the key of the item that holds it."""


def supersedes(copy: Copy, other: Copy) -> bool:
    """Whether a copy counts in place of another one of the same tick: it came later.

    Of copies of one record, the one that is its item's own tick counts.
    """
    (key, mine), (other_key, theirs) = copy, other
    if order := mine.arrival.order(theirs.arrival):
        return order > 0
    stamp = mine.tick.timestamp
    return (stamp == key, key) > (stamp == other_key, other_key)
