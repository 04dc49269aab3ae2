"""A canvas of pixels, on which fields, lines, discs and letters are drawn. Its edges clip them."""

from __future__ import annotations

import zlib
from base64 import b85decode
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise

from chalicelib.domain.pictures import glyphs
from chalicelib.domain.pictures.palette import FULL, Ink, colours, pixel
from chalicelib.domain.pictures.png import encode

Point = tuple[float, float]
"""Columns from the left and rows from the top, in pixels. Whole numbers are a pixel's middle."""

LINE_HEIGHT = glyphs.HEIGHT


class Canvas:
    """A canvas of `width` by `height` pixels, initially the colour of paper."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._pixels = bytearray([pixel(Ink.PAPER)]) * (width * height)

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        return encode(self.width, bytes(self._pixels), colours())

    def fill(self, left: int, top: int, right: int, bottom: int, ink: Ink) -> None:
        """Fill the columns `[left, right)` of the rows `[top, bottom)`."""
        left, right = max(0, left), min(self.width, right)
        if right <= left:
            return
        row = bytes([pixel(ink)]) * (right - left)
        for y in range(max(0, top), min(self.height, bottom)):
            at = y * self.width
            self._pixels[at + left : at + right] = row

    def dashes(self, left: int, right: int, y: int, ink: Ink) -> None:
        """Draw a dashed horizontal line in row `y` over the columns `[left, right)`."""
        for x in range(left, right, 7):
            self.fill(x, y, min(x + 4, right), y + 1, ink)

    def line(self, points: Sequence[Point], ink: Ink, thickness: float = 2.0) -> None:
        """Draw a line through points in order."""
        for start, end in pairwise(points):
            self._segment(start, end, ink, thickness)

    def disc(self, centre: Point, radius: float, ink: Ink) -> None:
        """Draw a filled circle."""
        reach = int(radius) + 2
        column, row = round(centre[0]), round(centre[1])
        for y in range(row - reach, row + reach + 1):
            for x in range(column - reach, column + reach + 1):
                distance = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) ** 0.5
                self._cover(x, y, ink, radius + 0.5 - distance)

    def text(self, left: int, top: int, text: str, ink: Ink) -> int:
        """Draw a line of text over what is already there; return the column after the text."""
        levels = bytes(pixel(ink, level) for level in range(FULL + 1))
        for letter in _known(text):
            width, rows = _letter(letter)
            visible = min(left + width, self.width) - left
            for y, row in enumerate(rows, max(0, top)):
                if visible > 0 and y < self.height:
                    at = y * self.width + left
                    self._pixels[at : at + visible] = row[:visible].translate(
                        levels + bytes(256 - len(levels))
                    )
            left += width
        return left

    def _segment(self, start: Point, end: Point, ink: Ink, thickness: float) -> None:
        """Draw a straight piece of a line, column by column, or row by row if it is steep."""
        (x, y), (to_x, to_y) = start, end
        steep = abs(to_y - y) > abs(to_x - x)
        if steep:
            x, y, to_x, to_y = y, x, to_y, to_x
        if to_x < x:
            x, y, to_x, to_y = to_x, to_y, x, y
        slope = (to_y - y) / (to_x - x) if to_x > x else 0.0
        half = thickness / 2 * (1 + slope * slope) ** 0.5
        for along in range(round(x), round(to_x) + 1):
            across = y + slope * (along - x)
            for near in range(int(across - half - 0.5), int(across + half + 1.5) + 1):
                covered = half + 0.5 - abs(near - across)
                self._cover(*((near, along) if steep else (along, near)), ink, covered)

    def _cover(self, x: int, y: int, ink: Ink, share: float) -> None:
        """Cover a pixel by a share from 0 to 1; over another ink, completely or not at all."""
        level = min(FULL, int(share * FULL))
        if level <= 0 or not (0 <= x < self.width and 0 <= y < self.height):
            return
        at = y * self.width + x
        below = self._pixels[at]
        if below // (FULL + 1) in (Ink.PAPER, Ink.GRID, ink):
            is_same = below // (FULL + 1) == ink
            self._pixels[at] = max(below, pixel(ink, level)) if is_same else pixel(ink, level)
        elif level > FULL // 2:
            self._pixels[at] = pixel(ink)


def text_width(text: str) -> int:
    """Return how many columns a line of text needs."""
    return sum(_letter(letter)[0] for letter in _known(text))


def clipped(text: str, width: int) -> str:
    """Return a text, cut with an ellipsis if it does not fit into the width in pixels."""
    room = width - text_width("...")
    kept = used = 0
    for place in _known(text):
        used += _letter(place)[0]
        kept += used <= room
        if used > width:
            return text[:kept].rstrip() + "..."
    return text


def _known(text: str) -> Iterable[int]:
    """Yield the index of each letter in the font. A letter that the font lacks has the index of the
    question mark."""
    first = ord(glyphs.FIRST)
    for letter in text:
        place = ord(letter) - first
        yield place if 0 <= place < len(glyphs.WIDTHS) else ord("?") - first


@cache
def _levels() -> bytes:
    packed = zlib.decompress(b85decode(glyphs.PACKED))
    return bytes(half for byte in packed for half in (byte >> 4, byte & FULL))


@cache
def _letter(place: int) -> tuple[int, tuple[bytes, ...]]:
    """Return the width of the letter with this index, and the ink levels of its rows."""
    width = glyphs.WIDTHS[place]
    start = sum(glyphs.WIDTHS[:place]) * glyphs.HEIGHT
    rows = range(start, start + width * glyphs.HEIGHT, width)
    return width, tuple(_levels()[at : at + width] for at in rows)
