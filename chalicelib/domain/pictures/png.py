"""Encodes PNG files with a palette (https://www.w3.org/TR/png-3/)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_COLOURS = 3
_LEVEL = 6


def encode(width: int, pixels: bytes, colours: Sequence[tuple[int, int, int]]) -> bytes:
    """Return a PNG file. `pixels` has rows of `width` bytes. Each byte is the index of a colour;
    there are at most 256 colours."""
    height = len(pixels) // width
    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, height, 8, _PALETTE_COLOURS, 0, 0, 0)
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", bytes(part for colour in colours for part in colour)),
            _chunk(b"IDAT", zlib.compress(rows, _LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
