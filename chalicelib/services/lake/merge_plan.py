"""Decide which raw objects to merge, and name the merged objects. This module does no I/O."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.domain import archive_layout
from chalicelib.domain.archive_layout import MERGED, is_merged
from chalicelib.services.lake.stores import RawHour, RawObject

MOST_BYTES = 1_000_000
"""The most stored bytes of the objects merged into one. Their lines take up to thirty times as much
memory."""


class Numbered(msgspec.Struct, frozen=True):
    """An object of the raw archive, with the first and last sequence number in its name."""

    name: str
    size: int
    folder: str
    origin: str
    first: int
    last: int


def numbered(stored: RawObject) -> Numbered | None:
    """Parse the sequence numbers in an object's name. Return None if neither ingest nor a merge
    makes such names."""
    found = archive_layout.parsed(stored.name)
    if found is None:
        return None
    return Numbered(stored.name, stored.size, *msgspec.structs.astuple(found))


def batches(hour: RawHour) -> int:
    """Return how many objects of an hour are not merged yet."""
    return sum(not is_merged(one.name) for one in hour.objects)


def groups(hour: RawHour) -> list[list[Numbered]]:
    """Return the groups of objects to merge, in the order of their last sequence numbers.

    Groups do not overlap in that order. Merging therefore does not change which of two copies of a
    tick has the higher number. A group of merged objects alone is not merged again.
    """
    known = [one for one in map(numbered, hour.objects) if one is not None]
    found: list[list[Numbered]] = []
    size = MOST_BYTES
    for one in sorted(known, key=lambda one: (one.last, one.first, one.name)):
        size += one.size
        if size > MOST_BYTES:
            found.append([])
            size = one.size
        found[-1].append(one)
    return [g for g in found if len(g) > 1 and any(one.origin != MERGED for one in g)]


def merged_name(group: Sequence[Numbered]) -> str:
    """Return the name of the object into which a group is merged."""
    first, last = min(one.first for one in group), max(one.last for one in group)
    return archive_layout.merged_name(group[0].folder, first, last, (one.name for one in group))


def orphans(hour: RawHour) -> list[str]:
    """Return the names of readings that an interrupted run has left behind. Their lines are in a
    merged object."""
    present = {stored.name for stored in hour.objects}
    merged = [one for one in map(numbered, hour.objects) if one and one.origin == MERGED]
    unmatched = [RawObject(name, 0) for name in hour.readings if name not in present]
    found = [one for one in map(numbered, unmatched) if one is not None]
    return [
        one.name for one in found if any(m.first <= one.first <= one.last <= m.last for m in merged)
    ]
