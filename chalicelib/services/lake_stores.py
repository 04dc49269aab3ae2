"""What compaction needs of the lake; adapters provide it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from chalicelib.services.lake_sql import Arrived, Table
from chalicelib.services.stores import QueryEngine

OVERLAP = timedelta(minutes=5)
"""What was written this shortly before the last look may not have been listed then."""


class Part(msgspec.Struct, frozen=True):
    """A day of a table: where its Parquet lies since when, which run wrote it, from what.

    `arrivals` are the dates of arrival, beyond the usual ones, on which ticks of the day came.
    """

    location: str
    run: str
    rows: int
    moved_at: str
    arrivals: tuple[str, ...] = ()


class Marks(msgspec.Struct, frozen=True):
    """How far compaction is: the last compacted day, and the newest raw object that was looked at,
    by its time of writing. None before the first run."""

    compacted_until: str | None = None
    surveyed_until: str | None = None


class Changed(msgspec.Struct, frozen=True):
    """Partitions of the raw archive that were written to, and the newest writing of all."""

    arrived: tuple[Arrived, ...]
    newest: str | None


class Catalog(Protocol):
    """The tables' partitions, and the view's boundary."""

    def marks(self) -> Marks:
        """As the last run that came to its end left them."""

    def move(self, marks: Marks, statement: str) -> None:
        """Write marks and the view's statement in one step."""

    def parts(self, table: Table) -> dict[str, Part]:
        """A table's days."""

    def switch(self, table: Table, parts: Mapping[str, Part]) -> None:
        """Have each day stand at its part from now on: one step for each."""

    def stage(self, table: Table, run: str, locations: Mapping[str, str]) -> None:
        """Show what a run has written, by day, in the table of what is not yet checked."""

    def unstage(self, table: Table) -> None:
        """Empty the table of what is not yet checked; objects stay."""


class LakeObjects(Protocol):
    """The archive bucket's objects."""

    def changed(self, since: str | None) -> Changed:
        """What was written at or after an instant, with some minutes to spare; all for None."""

    def remove_superseded(
        self, table: Table, parts: Mapping[str, Part], before: datetime, deadline: float
    ) -> int:
        """Delete a table's objects that are in no part and that nobody reads any more: written
        before an instant, and of a day whose part moved before it. Returns how many; stops at the
        deadline, a time.monotonic."""

    def location(self, key: str) -> str:
        """`s3://bucket/key`."""


class RawObject(msgspec.Struct, frozen=True):
    """A batch of the raw archive: its name below `raw/`, and its size in bytes."""

    name: str
    size: int


class RawHour(msgspec.Struct, frozen=True):
    """An hour of arrival: its objects under `raw/`, and the names of those under `readings/`."""

    objects: tuple[RawObject, ...]
    readings: tuple[str, ...]


class RawObjects(Protocol):
    """The raw archive's objects and their readings; `root` is `raw/` or `readings/`."""

    def hours(self, first: str, last: str, before: str) -> Iterator[RawHour]:
        """The hours of the dates `[first, last]`, of objects written before an instant."""

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


def folded(arrived: Iterable[tuple[str, int]]) -> tuple[Arrived, ...]:
    """Dates and hours of arrival, each hour by itself, in order."""
    return tuple(Arrived(day, hour, hour) for day, hour in sorted(set(arrived)))
