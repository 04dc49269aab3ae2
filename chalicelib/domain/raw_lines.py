"""Packs a batch's lines into one gzip file, with the times at which the stream received them.

A tick without a timestamp gets the stream's time, which is not in its line. The gzip header's
comment (RFC 1952, FCOMMENT) stores that time; readers of the lines skip the comment. An example is
`{"arrivals": [["2026-11-20T15:30:00.123000Z", 3], [2000, 1], ...]}`. Each entry is an arrival and
its number of lines. The first arrival is an instant. Each later arrival is the number of
microseconds since the arrival before it; null marks an unknown arrival.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, groupby, repeat

import msgspec

from chalicelib.domain.times import from_text, to_text

COMPRESSION = 6

MOST_UNPACKED = 128 * 1024 * 1024
"""The most bytes of one object's lines. A merged hour has a tenth of that."""

_MAGIC = b"\x1f\x8b\x08"
_FCOMMENT = 0x10
_HEADER = 10
_NAMED = 0x02 | 0x04 | 0x08
"""Flags of the header fields that this module never writes: checksum, extra field, name."""


class ArchivedLine(msgspec.Struct, frozen=True):
    """A line, and the time of its first tick without a timestamp, or else the line's arrival."""

    line: bytes
    arrival: datetime


Line = tuple[bytes, datetime | None]
"""A line and its arrival; None if the arrival is unknown."""

_MICROSECOND = timedelta(microseconds=1)


class _Comment(msgspec.Struct, frozen=True):
    arrivals: list[tuple[str | int | None, int]]


def pack(lines: Sequence[ArchivedLine]) -> bytes:
    """Return the gzip file of a batch's lines. The same lines always give the same bytes."""
    return pack_lines([(line.line, line.arrival) for line in lines])


def pack_lines(lines: Sequence[Line]) -> bytes:
    """Return the gzip file of lines that `unpack` has returned."""
    comment = msgspec.json.encode(_Comment(list(_arrivals(lines))))
    body = b"".join(line + b"\n" for line, _ in lines)
    deflate = zlib.compressobj(COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b"".join(
        (
            _MAGIC + bytes([_FCOMMENT]) + b"\x00\x00\x00\x00\x00\xff",
            comment + b"\x00",
            deflate.compress(body) + deflate.flush(),
            struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF),
        )
    )


def _arrivals(lines: Sequence[Line]) -> Iterable[tuple[str | int | None, int]]:
    before: datetime | None = None
    for arrival, same in groupby(lines, key=lambda line: line[1]):
        count = sum(1 for _ in same)
        if arrival is None:
            yield None, count
            continue
        yield (to_text(arrival) if before is None else (arrival - before) // _MICROSECOND), count
        before = arrival


def unpack(body: bytes) -> list[Line]:
    """Return the lines of a gzip file as a list. The errors are those of `each_line`."""
    return list(each_line(body))


def each_line(body: bytes) -> Iterator[Line]:
    """Yield the lines of a gzip file, each with its arrival; None if the file does not have it.

    Raises OSError, EOFError or zlib.error for an invalid gzip file, and OSError for more than
    MOST_UNPACKED bytes, always before the first line.
    """
    unzipped = _unzipped(body)
    count = unzipped.count(b"\n") + (unzipped[-1:] not in (b"", b"\n"))
    arrivals = _arrivals_of(body, count)
    ends = (line.removesuffix(b"\n") for line in io.BytesIO(unzipped))  # CR ends no line
    return zip(ends, arrivals, strict=True)


def _unzipped(body: bytes) -> bytes:
    found = gzip.GzipFile(fileobj=io.BytesIO(body)).read(MOST_UNPACKED + 1)
    if len(found) > MOST_UNPACKED:
        raise OSError(f"unpacks to more than {MOST_UNPACKED:,} bytes")
    return found


def _arrivals_of(body: bytes, lines: int) -> Iterator[datetime | None]:
    """Yield the arrival of each line; None for all lines if the comment is missing or invalid.

    The comment is used only if its counts add up to `lines`, since it may claim any number.
    """
    unknown = repeat(None, lines)
    if body[:3] != _MAGIC or not body[3] & _FCOMMENT or body[3] & _NAMED:
        return unknown
    try:
        said = msgspec.json.decode(body[_HEADER : body.index(b"\x00", _HEADER)], type=_Comment)
        counts = [count for _, count in said.arrivals]
        if min(counts, default=0) < 0 or sum(counts) != lines:
            return unknown
        return chain.from_iterable(map(repeat, _instants(said.arrivals), counts))
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return unknown


def _instants(arrivals: Iterable[tuple[str | int | None, int]]) -> list[datetime | None]:
    found: list[datetime | None] = []
    instant: datetime | None = None
    for said, _ in arrivals:
        if isinstance(said, str):
            instant = from_text(said)
        elif said is not None and instant is not None:
            instant += said * _MICROSECOND
        found.append(None if said is None else instant)
    return found
