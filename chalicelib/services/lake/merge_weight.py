"""Estimate how much memory merging gzipped objects takes, without unpacking any of them as a whole.

A few kilobytes of gzip may hold lines or readings that take hundreds of megabytes as Python
objects. The function `compact` has 256 MB, of which its imports and clients take about 80.
"""

from __future__ import annotations

import gzip
import io

MOST_MEMORY = 110_000_000
"""The most bytes of memory that merging objects together may take."""

PER_BYTE = 4
"""Bytes of memory for each unpacked byte, which is read, written, and read back."""

PER_LINE = 900
"""Bytes of memory for each line in addition to its bytes, in the worst case: other batches
contradict it."""

PER_READING = 1_400
"""Bytes of memory for each reading in addition to its bytes."""

_CHUNK = 1 << 16


def weight(lines: bytes, readings: bytes | None) -> int:
    """Return the most bytes of memory that merging an object and its readings takes. Both are
    gzipped.

    Stops counting beyond MOST_MEMORY. Raises OSError, EOFError or zlib.error for invalid gzip data.
    """
    found = _weight(lines, PER_LINE)
    if readings is None or found > MOST_MEMORY:
        return found
    return found + _weight(readings, PER_READING)


def _weight(body: bytes, per_row: int) -> int:
    found = len(body) + per_row
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as unpacked:
        while found <= MOST_MEMORY and (some := unpacked.read(_CHUNK)):
            found += PER_BYTE * len(some) + per_row * some.count(b"\n")
    return found
