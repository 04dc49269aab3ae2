"""Finds new raw objects in a listing of all raw objects."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from chalicelib.domain.archive_layout import is_merged, raw_name
from chalicelib.domain.times import to_text
from chalicelib.services.lake.arrivals import ArrivalHours
from chalicelib.services.lake.stores import OVERLAP, Changed, fingerprint

MOST_KNOWN = 10_000
"""The most fingerprints kept, so that they fit into a parameter in Glue. Objects of the overlap
without a fingerprint are surveyed twice."""


class Survey:
    """Compares raw objects with the last survey, whose newest object was written at `since`.
    `known` has the fingerprints of the objects written in the OVERLAP before `since`."""

    def __init__(self, since: datetime | None, known: frozenset[str]) -> None:
        self._bound = since - OVERLAP if since else None
        self._newest = since
        self._known = known
        self._new: dict[ArrivalHours, set[str]] = defaultdict(set)
        self._mixed: set[ArrivalHours] = set()
        self._late: list[tuple[datetime, str]] = []

    def add(self, key: str, written: datetime, content: str) -> None:
        """Add one object of the listing; `written` is its time of writing. Keys that ingest does
        not use are skipped."""
        found = raw_name(key)
        if found is None:
            return
        name, day, hour_text = found
        hour = ArrivalHours(day, int(hour_text), int(hour_text))
        if self._bound is not None and is_merged(key):  # has no new lines
            self._mixed.add(hour)
            return
        self._newest = max(self._newest or written, written)
        recent = self._bound is None or written >= self._bound
        mark = fingerprint(key, content) if recent else ""
        if recent:
            self._late.append((written, mark))
        if recent and mark not in self._known:
            self._new[hour].add(name)
        else:
            self._mixed.add(hour)

    def changed(self) -> Changed:
        """Return the hours of arrival that have new objects, each with the new objects' names. None
        in place of the names means that all objects of the hour are new."""
        if self._newest is None:
            return Changed({}, None)
        bound = self._newest - OVERLAP
        lately = sorted((one for one in self._late if one[0] >= bound), reverse=True)
        return Changed(
            {
                hour: frozenset(names) if hour in self._mixed else None
                for hour, names in sorted(self._new.items())
            },
            to_text(self._newest),
            frozenset(mark for _, mark in lately[:MOST_KNOWN]),
        )
