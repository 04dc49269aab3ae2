"""Merges the small objects of the raw archive: the batches of an hour of arrival into one object.

Raw lines are the record, so a run may end anywhere. It writes the merged readings, then the merged
lines, reads those back and compares them, then deletes the batches' lines, then their readings.
Meanwhile lines are there twice, but never missing. Readings outlive the lines that they belong to,
since a line without its reading could be misread.
"""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Callable, Sequence

import msgspec

from chalicelib.domain.errors import CompactionError
from chalicelib.domain.raw_lines import pack_lines, unpack
from chalicelib.domain.raw_merging import (
    RawBatch,
    ReadingRow,
    merged_lines,
    merged_readings,
)
from chalicelib.services.lake_stores import RawHour, RawObjects
from chalicelib.services.merge_plan import Numbered, groups, merged_name, orphans

log = logging.getLogger("ticktape.merge")

RAW, READINGS = "raw/", "readings/"

SHORTEST_SECONDS = 30.0
"""With less time than this left nothing is begun."""

_row = msgspec.json.Decoder(ReadingRow)


class Merged(msgspec.Struct):
    """How many objects are gone."""

    objects: int = 0


class Merge:
    """The step behind compaction, under its lease. `need` raises OutOfTime where less time is
    left than it is given, in seconds."""

    def __init__(self, raw: RawObjects, need: Callable[[float], None]) -> None:
        self._raw = raw
        self._need = need

    def __call__(self, first: str, last: str, before: str, merged: Merged) -> None:
        """Merge what arrived on the dates `[first, last]` and was written before an instant.

        Counts in `merged` as it goes. Raises OutOfTime, and CompactionError where an object that
        was written is not what was read.
        """
        for hour in self._raw.hours(first, last, before):
            for group in groups(hour):
                self._need(SHORTEST_SECONDS)
                merged.objects += self._merge(group, hour)
            if left := orphans(hour):
                self._raw.delete(READINGS, left)

    def _merge(self, group: Sequence[Numbered], hour: RawHour) -> int:
        """Put a group's lines into one object; how many objects are gone."""
        try:
            batches = self._batches(group, hour)
        except _UNREADABLE as error:
            log.warning("%s to %s are not merged: %s", group[0].name, group[-1].name, error)
            return 0
        name = merged_name(group)
        if name in {one.name for one in hour.objects} - {one.name for one in group}:
            raise CompactionError(f"raw/{name} is there already and would be overwritten")
        self._write(name, batches)
        gone = [one.name for one in group if one.name != name]
        told = set(hour.readings)
        self._raw.delete(RAW, gone)
        if with_readings := [name for name in gone if name in told]:
            self._raw.delete(READINGS, with_readings)
        return len(gone)

    def _batches(self, group: Sequence[Numbered], hour: RawHour) -> list[RawBatch]:
        names = [one.name for one in group]
        told = [name for name in names if name in set(hour.readings)]
        readings = dict(zip(told, self._raw.read(READINGS, told), strict=True))
        bodies = self._raw.read(RAW, names)
        return [
            RawBatch(one.last, tuple(unpack(body)), _rows(readings.get(one.name)))
            for one, body in zip(group, bodies, strict=True)
        ]

    def _write(self, name: str, batches: Sequence[RawBatch]) -> None:
        lines, readings = merged_lines(batches), merged_readings(batches)
        if readings:
            body = b"".join(msgspec.json.encode(row) + b"\n" for row in readings)
            self._raw.put(READINGS, name, gzip.compress(body, mtime=0))
        self._raw.put(RAW, name, pack_lines(lines))
        (written,) = self._raw.read(RAW, [name])
        if unpack(written) != lines:
            raise CompactionError(f"raw/{name}: what was written is not what was read")


_UNREADABLE = (OSError, EOFError, zlib.error, ValueError, msgspec.MsgspecError)


def _rows(body: bytes | None) -> tuple[ReadingRow, ...]:
    if body is None:
        return ()
    return tuple(_row.decode(line) for line in gzip.decompress(body).splitlines())
