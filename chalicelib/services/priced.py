"""Ticks as the prices table holds them: which record they came with, and which copy counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from chalicelib.domain.ticks import Tick

Span = tuple[str, str]
"""The first and the last instant of a stretch of ticks."""

NEAR_SECONDS = 600
"""Stretches nearer to each other than this are one."""


class Arrival(NamedTuple):
    """When the stream took a record, and its place among the records of that millisecond."""

    ingested_at: str
    sequence: int = 0


class StoredTick(msgspec.Struct, frozen=True):
    """A tick and its record's arrival."""

    tick: Tick
    ingested_at: str
    sequence: int = 0

    @property
    def arrival(self) -> Arrival:
        """The later one of two copies' arrivals says which counts."""
        return Arrival(self.ingested_at, self.sequence)


class PricedRecord(msgspec.Struct, frozen=True):
    """One wire record's ticks of a symbol: one item of the prices table, keyed by its last tick.

    `ticks` in order of time, one source and mode; `complete_from` stands on the newest record of
    a batch and says that from there to here everything is stored; `others` beside it is a digest
    of the symbol's other ticks in that batch, where it had others, and `spans` are the stretches
    that the batch's ticks lie in, where they are several. `sequence` orders the records
    of a shard or group that came in one millisecond. Where ticks of several records share the
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


CopyRank = tuple[str, int, bool, str]


def copy_rank(key: str, stored: StoredTick) -> CopyRank:
    """The copy of the highest rank counts where several items hold a tick: the one that came last.

    Of copies of one record it is the one that is its item's own tick. `key` is the item's.
    """
    return *stored.arrival, stored.tick.timestamp == key, key
