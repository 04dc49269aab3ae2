"""Decide which raw objects to merge, and name the results. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from chalicelib.services.lake.stores import RawHour, RawObject

MOST_BYTES = 1_000_000
"""The most stored bytes of objects merged into one. Their lines take up to thirty times as much
memory."""

MERGED = "merged"
"""Takes the place of the shard's name in the names of merged objects."""

_DIGEST = r"(?:\.(?:[0-9a-f]{8}|[0-9a-f]{16}))?"
"""Names given by earlier versions have a shorter digest or none."""

_NAME = re.compile(
    rf"(?P<folder>.*/)?(?P<origin>[^/]+)-(?P<first>\d+){_DIGEST}-(?P<last>\d+)\.json\.gz"
)


class Numbered(msgspec.Struct, frozen=True):
    """An object of the raw archive with the first and last sequence number in its name."""

    name: str
    size: int
    folder: str
    origin: str
    first: int
    last: int


def numbered(stored: RawObject) -> Numbered | None:
    """Parse an object's name; return None for a name that ingest does not give."""
    found = _NAME.fullmatch(stored.name)
    if found is None:
        return None
    first, last = int(found["first"]), int(found["last"])
    return Numbered(stored.name, stored.size, found["folder"] or "", found["origin"], first, last)


def is_merged(name: str) -> bool:
    """Return whether a name or key is that of a merged object."""
    return name.rpartition("/")[2].startswith(MERGED + "-")


def batches(hour: RawHour) -> int:
    """Return the number of an hour's objects that are not merged yet."""
    return sum(not is_merged(one.name) for one in hour.objects)


def groups(hour: RawHour) -> list[list[Numbered]]:
    """Group the objects to merge, ordered by their last sequence numbers.

    The groups follow one another in that order, so that of two copies of a tick the same one has
    the higher number as before. A merged object is merged again only with objects that came later.
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
    """Return `date=.../hour=.../merged-<first>.<digest>-<last>.json.gz`, with a digest of the
    members' names.

    The digest makes the name identify its members: senders may number their messages alike, and two
    runs may merge an hour at the same time, each with other late arrivals.
    """
    members = "\n".join(sorted(one.name for one in group))
    digest = blake2b(members.encode(), digest_size=8).hexdigest()
    first = min(one.first for one in group)
    last = max(one.last for one in group)
    return f"{group[0].folder}{MERGED}-{first}.{digest}-{last}.json.gz"


def orphans(hour: RawHour) -> list[str]:
    """Return readings whose lines are in a merged object, left behind by an interrupted run."""
    present = {stored.name for stored in hour.objects}
    merged = [one for one in map(numbered, hour.objects) if one and one.origin == MERGED]
    unmatched = [RawObject(name, 0) for name in hour.readings if name not in present]
    found = [one for one in map(numbered, unmatched) if one is not None]
    return [
        one.name for one in found if any(m.first <= one.first <= one.last <= m.last for m in merged)
    ]
