"""Reads many S3 objects directly from SQLite. moto would take milliseconds for each."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence

from embedded_aws.emulator.stored_objects import StoredVersion, decode

NO_LIMIT = -1
"""SQLite returns all rows for this limit."""


def read_object(connection: sqlite3.Connection, bucket: str, key: str) -> StoredVersion | None:
    """Return an object's newest version, or None if it does not exist or was deleted."""
    row = connection.execute(
        "SELECT versions FROM objects WHERE bucket = ? AND name = ?", (bucket, key)
    ).fetchone()
    versions = [] if row is None else decode(row[0])
    return versions[-1] if versions and not versions[-1].is_marker else None


def list_names(
    connection: sqlite3.Connection, bucket: str, prefix: str, after: str, most: int
) -> list[str]:
    """Return at most `most` keys under a prefix that come after the key `after`, in order.

    In a versioned bucket they may include the keys of deleted objects.
    """
    rows = connection.execute(
        "SELECT name FROM objects WHERE bucket = ? AND name > ? AND name >= ? AND name < ?"
        " ORDER BY name LIMIT ?",
        (bucket, after, prefix, prefix + "\U0010ffff", most),
    )
    return [str(row[0]) for row in rows]


_HEADER = struct.Struct("<i32sq")


def packed_bodies(
    connection: sqlite3.Connection, bucket: str, keys: Sequence[str], known: Sequence[str | None]
) -> bytes:
    """Concatenate objects for `unpacked`: ETags, sizes, and bodies whose ETag is not in `known`.

    A missing object has a header that says so.
    """
    parts = []
    for key, etag in zip(keys, known, strict=True):
        found = read_object(connection, bucket, key)
        if found is None:
            parts.append(_HEADER.pack(-1, b"", 0))
            continue
        same = found.etag == etag
        parts.append(_HEADER.pack(0 if same else 1, found.etag.encode()[:32], len(found.body)))
        if not same:
            parts.append(found.body)
    return b"".join(parts)


def unpacked(keys: Sequence[str], raw: bytes) -> Iterator[tuple[str, str, int, bytes | None]]:
    """Yield the key, ETag, size and body of each existing object; None for a body left out."""
    position = 0
    for key in keys:
        sent, etag, size = _HEADER.unpack_from(raw, position)
        position += _HEADER.size
        if sent < 0:
            continue
        body = raw[position : position + size] if sent else None
        position += size if sent else 0
        yield key, etag.rstrip(b"\0").decode(), size, body
