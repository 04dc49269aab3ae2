"""What compaction needs of the lake; adapters provide it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Protocol

import msgspec

from chalicelib.services.lake.arrivals import ArrivalHours
from chalicelib.services.lake.lake_sql import Table
from chalicelib.services.stores import QueryEngine

OVERLAP = timedelta(minutes=5)
"""What was written this shortly before the last look may not have been listed then."""


class CompactedPeriod(msgspec.Struct, frozen=True):
    """A period (day or month) of a table: where its Parquet lies since when, by which run.

    `arrivals` are the dates of arrival, beyond the usual ones, on which ticks of the day came.
    """

    location: str
    run: str
    rows: int
    moved_at: str
    arrivals: tuple[str, ...] = ()


class CompactionState(msgspec.Struct, frozen=True):
    """How far compaction is. Times are None before the first run.

    compacted_until: the last compacted day, the boundary of the view.
    surveyed_until: when the newest raw object was written whose days are known.
    lately: `fingerprint`s of the raw objects written shortly before that, which are known too.
    bars_due: periods of historical bars still to be compacted, as `1d 2026`, each with the dates on
        which they arrived; None where a version wrote the marks that surveyed no bars.
    months: those that the view reads from the table of months.
    due: trading days still to be compacted, each with the dates on which its ticks arrived; None
    where a version wrote the marks that did not record them.
    unsurveyed: hours of arrival, as `2026-11-20T15`, that were merged before any survey read them.
    merging: hours of arrival whose merging has begun and not ended, an hour once for each run that
        died there.
    """

    compacted_until: str | None = None
    surveyed_until: str | None = None
    lately: frozenset[str] = frozenset()
    months: tuple[str, ...] = ()
    due: Mapping[str, tuple[str, ...]] | None = None
    bars_due: Mapping[str, tuple[str, ...]] | None = None
    unsurveyed: tuple[str, ...] = ()
    merging: tuple[str, ...] = ()


class Changed(msgspec.Struct, frozen=True):
    """Raw objects that were written since the last survey.

    hours: their partitions, each with the names of its new objects (`date=.../hour=.../...`), or
    None where all objects of the partition are new.
    newest: when the newest raw object was written.
    lately: `fingerprint`s of all objects written shortly before that.
    """

    hours: Mapping[ArrivalHours, frozenset[str] | None]
    newest: str | None
    lately: frozenset[str] = frozenset()


class Catalog(Protocol):
    """The tables' partitions, and the view's boundary."""

    def marks(self) -> CompactionState:
        """As the last run that came to its end left them."""

    def record(self, marks: CompactionState) -> None:
        """Write marks, in one step."""

    def move(self, marks: CompactionState, statements: Mapping[str, str]) -> None:
        """Write the views' statements; those of `all_ticks`, the last one, with the marks in one
        step."""

    def parts(self, table: Table) -> dict[str, CompactedPeriod]:
        """A table's periods."""

    def switch(self, table: Table, parts: Mapping[str, CompactedPeriod]) -> None:
        """Have each period stand at its part from now on: one step for each."""

    def drop(self, table: Table, periods: Sequence[str]) -> None:
        """Have a table without these periods; objects stay."""

    def stage(self, table: Table, run: str, locations: Mapping[str, str]) -> None:
        """Show what a run has written, by period, in the table of what is not yet checked."""

    def unstage(self, table: Table) -> None:
        """Empty the table of what is not yet checked; objects stay."""


class LakeObjects(Protocol):
    """The archive bucket's objects."""

    def changed(self, since: str | None, known: frozenset[str]) -> Changed:
        """Raw objects written since an instant, all for None. Objects written up to some minutes
        before it count too, unless their fingerprints are `known`: S3 may have listed them late.
        """

    def remove_superseded(
        self, table: Table, parts: Mapping[str, CompactedPeriod], before: datetime, deadline: float
    ) -> int:
        """Delete a table's objects that are in no part and that nobody reads any more: written
        before an instant, and of a period whose part moved before it. Returns how many; stops at
        the deadline, a time.monotonic."""

    def location(self, key: str) -> str:
        """`s3://bucket/key`."""


class RawObject(msgspec.Struct, frozen=True):
    """A batch of the raw archive: its name below `raw/`, and its size in bytes."""

    name: str
    size: int


class RawHour(msgspec.Struct, frozen=True):
    """An hour of arrival: its objects under `raw/`, and the names of those under `readings/`.
    `hour` is its text, `2026-11-20T15`; empty for a folder that ingest does not make."""

    objects: tuple[RawObject, ...]
    readings: tuple[str, ...]
    hour: str = ""


class RawObjects(Protocol):
    """The raw archive's objects and their readings; `root` is `raw/` or `readings/`."""

    def hours(self, first: str, last: str, before: str) -> Iterator[RawHour]:
        """The hours of the dates `[first, last]` in order: batches written before an instant, and
        whatever is merged already."""

    def read(self, root: str, names: Sequence[str]) -> list[bytes]:
        """The objects' bodies."""

    def put(self, root: str, name: str, body: bytes) -> None:
        """Write an object."""

    def delete(self, root: str, names: Sequence[str]) -> None:
        """Delete objects; those that are not there do not matter. Raises CompactionError when
        some could not be deleted: what depends on that must not follow."""


class Lease(Protocol):
    """One run at a time."""

    def take(self, owner: str, now: datetime, until: datetime) -> bool:
        """Whether the owner has it now, until an instant; False while another has it."""

    def release(self, owner: str, now: datetime) -> None:
        """Give it back; nothing happens to another's."""


class LakeStores(msgspec.Struct, frozen=True):
    """All that compaction works on."""

    engine: QueryEngine
    catalog: Catalog
    objects: LakeObjects
    lease: Lease
    raw: RawObjects


def fingerprint(name: str, content: str) -> str:
    """A short mark of an object with this name and content (S3's ETag)."""
    return blake2b(f"{name} {content}".encode(), digest_size=8).hexdigest()
