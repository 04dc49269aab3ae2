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
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

import msgspec

from chalicelib.domain.errors import CompactionError
from chalicelib.domain.raw_lines import Line, each_line, pack_lines, unpack
from chalicelib.domain.raw_merging import (
    RawBatch,
    ReadingRow,
    merged_lines,
    merged_readings,
)
from chalicelib.services.lake.merge_plan import Numbered, groups, merged_name, orphans
from chalicelib.services.lake.merge_weight import MOST_MEMORY, weight
from chalicelib.services.lake.stores import RawHour, RawObjects

log = logging.getLogger("ticktape.merge")

RAW, READINGS = "raw/", "readings/"

SHORTEST_SECONDS = 30.0
"""With less time than this left nothing is begun."""

READ_AT_ONCE = 16
"""Objects whose readings are in memory, packed, before it is known how much they unpack to."""

_row = msgspec.json.Decoder(ReadingRow)


class Merged(msgspec.Struct):
    """How many objects are gone."""

    objects: int = 0


class Packed(msgspec.Struct, frozen=True):
    """An object as it lies in the archive, and its readings; `weight` is in bytes of memory."""

    of: Numbered
    lines: bytes
    readings: bytes | None
    weight: int


class Merge:
    """The step behind compaction, under its lease.

    `need` raises OutOfTime where less time is left than it is given, in seconds. `begin` is told
    of an hour before its first object changes, and answers whether it is to be merged.
    """

    def __init__(
        self,
        raw: RawObjects,
        need: Callable[[float], None],
        begin: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._raw = raw
        self._need = need
        self._begin = begin

    def __call__(self, first: str, last: str, before: str, merged: Merged) -> None:
        """Merge what arrived on the dates `[first, last]` and was written before an instant.

        Counts in `merged` as it goes. Raises OutOfTime, and CompactionError where an object that
        was written is not what was read.
        """
        for hour in self._raw.hours(first, last, before):
            self.one(hour, merged)

    def one(self, hour: RawHour, merged: Merged) -> None:
        """Merge an hour. Raises what a call does."""
        found = groups(hour)
        if found and not self._begin(hour.hour):
            return
        told = frozenset(hour.readings)
        for group in found:
            self._merge(group, told, merged)
        if left := orphans(hour):
            self._raw.delete(READINGS, left)

    def _merge(self, group: Sequence[Numbered], told: frozenset[str], merged: Merged) -> None:
        """Merge a group's objects. `told` names the hour's readings."""
        try:
            for part in _parts(self._packed(group, told)):
                self._need(SHORTEST_SECONDS)
                merged.objects += self._unite(part)
        except _UNREADABLE as error:
            log.warning("%s to %s are not merged: %s", group[0].name, group[-1].name, error)

    def _packed(self, group: Sequence[Numbered], told: frozenset[str]) -> Iterator[Packed]:
        """The objects of a group, whose lines take MOST_BYTES; readings are read as they are
        needed."""
        bodies = self._raw.read(RAW, [one.name for one in group])
        for start in range(0, len(group), READ_AT_ONCE):
            self._need(SHORTEST_SECONDS)
            some = slice(start, start + READ_AT_ONCE)
            names = [one.name for one in group[some] if one.name in told]
            found = dict(zip(names, self._raw.read(READINGS, names), strict=True)) if names else {}
            for one, body in zip(group[some], bodies[some], strict=True):
                readings = found.pop(one.name, None)
                yield Packed(one, body, readings, weight(body, readings))

    def _unite(self, part: Sequence[Packed]) -> int:
        """Put the lines of some objects into one; how many objects are gone."""
        self._write(merged_name([one.of for one in part]), part)
        gone = [one.of.name for one in part]
        self._raw.delete(RAW, gone)
        if with_readings := [one.of.name for one in part if one.readings]:
            self._raw.delete(READINGS, with_readings)
        return len(gone)

    def _write(self, name: str, part: Iterable[Packed]) -> None:
        lines, readings = _merged(part)
        if readings is not None:
            self._raw.put(READINGS, name, readings)
        self._raw.put(RAW, name, pack_lines(lines))
        (written,) = self._raw.read(RAW, [name])
        if any(found != line for found, line in zip_longest(each_line(written), lines)):
            raise CompactionError(f"raw/{name}: what was written is not what was read")


_UNREADABLE = (OSError, EOFError, zlib.error, ValueError, msgspec.MsgspecError)


def _parts(group: Iterable[Packed]) -> Iterator[list[Packed]]:
    """A group in the parts that are merged at once, so that memory suffices for each. An object
    that takes too much alone is left with a warning; numbers never cross."""
    part: list[Packed] = []
    size = 0
    for one in group:
        size += one.weight
        if size > MOST_MEMORY:
            if len(part) > 1:
                yield part
            part, size = [], one.weight
        if one.weight > MOST_MEMORY:
            log.warning("%s is not merged: it would take over %s bytes", one.of.name, MOST_MEMORY)
            size = 0
        else:
            part.append(one)
    if len(part) > 1:
        yield part


def _merged(part: Iterable[Packed]) -> tuple[list[Line], bytes | None]:
    """The lines of some objects, and their packed readings."""
    batches = [RawBatch(one.of.last, tuple(unpack(one.lines)), _rows(one.readings)) for one in part]
    lines, rows = merged_lines(batches), merged_readings(batches)
    return lines, _packed_rows(rows) if rows else None


def _packed_rows(rows: Iterable[ReadingRow]) -> bytes:
    return gzip.compress(b"".join(msgspec.json.encode(row) + b"\n" for row in rows), mtime=0)


def _rows(body: bytes | None) -> tuple[ReadingRow, ...]:
    if body is None:
        return ()
    return tuple(_row.decode(line) for line in gzip.decompress(body).splitlines())
