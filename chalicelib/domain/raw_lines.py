"""A batch's lines as one gzip file, with the times at which the stream took them.

A tick without a timestamp gets the stream's clock, which is not in its line; it stands in the
gzip header's comment (RFC 1952, FCOMMENT), which every reader of the lines skips:
`{"arrivals": [["2026-11-20T15:30:00.123000Z", 3], ...]}`, each with its number of lines.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from chalicelib.domain.times import from_text, to_text

COMPRESSION = 6

_MAGIC = b"\x1f\x8b\x08"
_FCOMMENT = 0x10
_HEADER = 10
_NAMED = 0x02 | 0x04 | 0x08
"""Flags of header fields that this module never writes: checksum, extra field, name."""


class ArchivedLine(msgspec.Struct, frozen=True):
    """One line, and the instant that its first tick without a timestamp gets."""

    line: bytes
    arrival: datetime


class _Comment(msgspec.Struct, frozen=True):
    arrivals: list[tuple[str, int]]


def pack(lines: Sequence[ArchivedLine]) -> bytes:
    """The gzip file: the same bytes for the same lines."""
    runs = groupby(lines, key=lambda line: line.arrival)
    arrivals = [(to_text(arrival), sum(1 for _ in same)) for arrival, same in runs]
    comment = msgspec.json.encode(_Comment(arrivals))
    body = b"".join(line.line + b"\n" for line in lines)
    deflate = zlib.compressobj(COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b"".join(
        (
            _MAGIC + bytes([_FCOMMENT]) + b"\x00\x00\x00\x00\x00\xff",
            comment + b"\x00",
            deflate.compress(body) + deflate.flush(),
            struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF),
        )
    )


def unpack(body: bytes) -> list[tuple[bytes, datetime | None]]:
    """The lines, each with its arrival; None where the file does not say.

    Raises OSError, EOFError or zlib.error for what is no gzip file.
    """
    lines = gzip.decompress(body).splitlines()
    arrivals = list(_each(_comment(body)))
    if len(arrivals) != len(lines):
        return [(line, None) for line in lines]
    return list(zip(lines, arrivals, strict=True))


def _comment(body: bytes) -> Iterable[tuple[str, int]]:
    if body[:3] != _MAGIC or not body[3] & _FCOMMENT or body[3] & _NAMED:
        return ()
    end = body.index(b"\x00", _HEADER)
    try:
        return msgspec.json.decode(body[_HEADER:end], type=_Comment).arrivals
    except msgspec.MsgspecError:
        return ()  # a comment of somebody else's


def _each(arrivals: Iterable[tuple[str, int]]) -> Iterable[datetime]:
    for text, count in arrivals:
        yield from [from_text(text)] * count
