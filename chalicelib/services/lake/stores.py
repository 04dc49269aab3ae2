"""The interfaces to the lake that compaction uses. Adapters implement them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Protocol

import msgspec

from chalicelib.services.lake.arrivals import ArrivalHours
from chalicelib.services.lake.lake_sql import Table
from chalicelib.services.query_engine import QueryEngine

OVERLAP = timedelta(minutes=5)
"""S3 may list an object late. An object that a survey missed was written at most this long before
it."""


class CompactedPeriod(msgspec.Struct, frozen=True):
    """A period (day, month or year) of a table. It has the location of its Parquet, the run noted
    for it, and its number of rows. `moved_at` is when its partition last moved.

    `arrivals` has the dates outside the usual window on which ticks of a day arrived.
    """

    location: str
    run: str
    rows: int
    moved_at: str
    arrivals: tuple[str, ...] = ()


class CompactionState(msgspec.Struct, frozen=True):
    """The progress of compaction. Times are None before the first run.

    compacted_until: the last compacted day, the boundary of the view.
    surveyed_until: when the newest surveyed raw object was written.
    lately: `fingerprint`s of the surveyed raw objects written shortly before that.
    bars_due: periods of historical bars to be compacted, as `1d 2026`, each with the dates on which
    its bars arrived; None if a version that did not survey bars wrote the state.
    months: the months that the view reads from the table of months.
    due: trading days to be compacted, each with the dates on which its ticks arrived; None if a
    version that did not record due days wrote the state.
    unsurveyed: hours of arrival, as `2026-11-20T15`, that were merged before any survey read them.
    merging: hours of arrival whose merging has begun and not ended. An hour is listed once for each
    run that died merging it, or is merging it now."""

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
        None if all objects of the partition are new.
    newest: when the newest raw object was written.
    lately: `fingerprint`s of all objects written shortly before that.
    """

    hours: Mapping[ArrivalHours, frozenset[str] | None]
    newest: str | None
    lately: frozenset[str] = frozenset()


class Catalog(Protocol):
    """The partitions of the tables, and the boundary of the view."""

    def marks(self) -> CompactionState:
        """Return the state that the last completed step recorded."""

    def record(self, marks: CompactionState) -> None:
        """Write the state in one step."""

    def move(self, marks: CompactionState, statements: Mapping[str, str]) -> None:
        """Write the views' statements and the state. The last view, `all_ticks`, and the state are
        written in one step."""

    def parts(self, table: Table) -> dict[str, CompactedPeriod]:
        """Return the periods of a table by name."""

    def switch(self, table: Table, parts: Mapping[str, CompactedPeriod]) -> None:
        """Point each period's partition at its new part, in one step per period."""

    def drop(self, table: Table, periods: Sequence[str]) -> None:
        """Remove periods from a table. Their objects remain."""

    def stage(self, table: Table, run: str, locations: Mapping[str, str]) -> None:
        """Add a run's files to the table of unchecked files. `locations` has their folders by
        period."""

    def unstage(self, table: Table) -> None:
        """Empty the table of unchecked files. The files themselves remain in S3."""


class LakeObjects(Protocol):
    """The objects of the archive bucket."""

    def changed(self, since: str | None, known: frozenset[str]) -> Changed:
        """Return raw objects written since an instant; all objects if `since` is None.

        Objects written in the OVERLAP before the instant are included, since S3 may have listed
        them late. Those whose fingerprints are `known` are left out.
        """

    def remove_superseded(
        self, table: Table, parts: Mapping[str, CompactedPeriod], before: datetime, deadline: float
    ) -> int:
        """Delete a table's objects that no part and no reader uses. Such an object lies outside all
        parts and was written before an instant. The part of its period has not moved since then.

        Returns the number deleted. Stops at the deadline, a time.monotonic.
        """

    def location(self, key: str) -> str:
        """Return the location of an object: `s3://bucket/key`."""


class RawObject(msgspec.Struct, frozen=True):
    """An object of the raw archive: its name under `raw/`, and its size in bytes."""

    name: str
    size: int


class RawHour(msgspec.Struct, frozen=True):
    """An hour of arrival: its objects under `raw/`, and the names of its objects under `readings/`.

    `hour` is the hour as text, `2026-11-20T15`; empty for a folder that ingest does not make.
    """

    objects: tuple[RawObject, ...]
    readings: tuple[str, ...]
    hour: str = ""


class RawObjects(Protocol):
    """The objects of the raw archive and their readings. `root` is `raw/` or `readings/`."""

    def hours(self, first: str, last: str, before: str) -> Iterator[RawHour]:
        """Yield the hours of the dates `[first, last]` in order. Each has all of its merged
        objects, but only the batches written before an instant."""

    def read(self, root: str, names: Sequence[str]) -> list[bytes]:
        """Return the bodies of the named objects."""

    def put(self, root: str, name: str, body: bytes) -> None:
        """Write an object."""

    def delete(self, root: str, names: Sequence[str]) -> None:
        """Delete objects; missing objects are ignored. Raises CompactionError if an object could
        not be deleted: steps that depend on the deletion must not follow."""


class Lease(Protocol):
    """A lease that lets only one run work at a time."""

    def take(self, owner: str, now: datetime, until: datetime) -> bool:
        """Take the lease until an instant; return False if another owner has it."""

    def release(self, owner: str, now: datetime) -> None:
        """Release the lease if `owner` has it."""


class LakeStores(msgspec.Struct, frozen=True):
    """All stores that compaction works on."""

    engine: QueryEngine
    catalog: Catalog
    objects: LakeObjects
    lease: Lease
    raw: RawObjects


def fingerprint(name: str, content: str) -> str:
    """Return a short hash of an object's name and content (S3's ETag)."""
    return blake2b(f"{name} {content}".encode(), digest_size=8).hexdigest()
