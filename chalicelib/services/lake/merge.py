"""Merge small objects of the raw archive: the batches of an hour of arrival become one object.

A run may stop at any point without losing a raw line. It writes the merged readings, then the
merged lines, which it reads back and compares. Then it deletes the batches' lines, and last their
readings. Meanwhile lines may exist twice, but are never missing. Readings are deleted after their
lines, since a line without its reading could be misread.
"""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

import msgspec

from chalicelib.domain.archive_layout import RAW, READINGS
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

SHORTEST_SECONDS = 30.0
"""If less time than this is left, no merge is started."""

READ_AT_ONCE = 16
"""How many objects' readings are read at once. Their unpacked size is not known until then."""

_row = msgspec.json.Decoder(ReadingRow)


class Merged(msgspec.Struct):
    """The number of raw objects that were merged."""

    objects: int = 0


class Packed(msgspec.Struct, frozen=True):
    """A raw object and its readings, both still gzipped. `weight` is the bytes of memory to merge
    it."""

    of: Numbered
    lines: bytes
    readings: bytes | None
    weight: int


class Merge:
    """Merges raw objects before and after compaction, under its lease.

    `need(seconds)` raises OutOfTime if less time is left. `begin(hour)` is called before the first
    object of an hour changes, and returns whether to merge the hour.
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
        """Merge objects with arrival dates `[first, last]` that were written before an instant.

        Adds to `merged` after each merge. Raises OutOfTime. Raises CompactionError if a written
        object differs from what was read, or if an object cannot be deleted.
        """
        for hour in self._raw.hours(first, last, before):
            self.one(hour, merged)

    def one(self, hour: RawHour, merged: Merged) -> None:
        """Merge one hour, unless `begin` returns False. Raises the same errors as `__call__`."""
        found = groups(hour)
        if found and not self._begin(hour.hour):
            return
        has_readings = frozenset(hour.readings)
        for group in found:
            self._merge(group, has_readings, merged)
        if left := orphans(hour):
            self._raw.delete(READINGS, left)

    def _merge(
        self, group: Sequence[Numbered], has_readings: frozenset[str], merged: Merged
    ) -> None:
        """Merge a group of objects. If an object cannot be read, log that and leave the rest of the
        group as it is. `has_readings` has the names of the objects that have readings."""
        try:
            for part in _parts(self._packed(group, has_readings)):
                self._need(SHORTEST_SECONDS)
                merged.objects += self._merge_part(part)
        except _UNREADABLE as error:
            log.warning("%s to %s are not merged: %s", group[0].name, group[-1].name, error)

    def _packed(self, group: Sequence[Numbered], has_readings: frozenset[str]) -> Iterator[Packed]:
        """Yield the objects of a group. The lines of all objects, at most MOST_BYTES, are read at
        once. Readings are read when they are needed."""
        bodies = self._raw.read(RAW, [one.name for one in group])
        for start in range(0, len(group), READ_AT_ONCE):
            self._need(SHORTEST_SECONDS)
            some = slice(start, start + READ_AT_ONCE)
            names = [one.name for one in group[some] if one.name in has_readings]
            found = dict(zip(names, self._raw.read(READINGS, names), strict=True)) if names else {}
            for one, body in zip(group[some], bodies[some], strict=True):
                readings = found.pop(one.name, None)
                yield Packed(one, body, readings, weight(body, readings))

    def _merge_part(self, part: Sequence[Packed]) -> int:
        """Merge the lines of some objects into one object. Return the number of objects deleted."""
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
            raise CompactionError(f"raw/{name}: the written object differs from what was read")


_UNREADABLE = (OSError, EOFError, zlib.error, ValueError, msgspec.MsgspecError)


def _parts(group: Iterable[Packed]) -> Iterator[list[Packed]]:
    """Divide a group into parts of consecutive objects that fit in memory. An object that is too
    large by itself is skipped with a warning."""
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
    """Return the merged lines of some objects, and their merged and packed readings."""
    batches = [RawBatch(one.of.last, tuple(unpack(one.lines)), _rows(one.readings)) for one in part]
    lines, rows = merged_lines(batches), merged_readings(batches)
    return lines, _packed_rows(rows) if rows else None


def _packed_rows(rows: Iterable[ReadingRow]) -> bytes:
    return gzip.compress(b"".join(msgspec.json.encode(row) + b"\n" for row in rows), mtime=0)


def _rows(body: bytes | None) -> tuple[ReadingRow, ...]:
    if body is None:
        return ()
    return tuple(_row.decode(line) for line in gzip.decompress(body).splitlines())
