"""The inks of a picture. A pixel is an ink and a level: how much of the pixel the ink covers."""

from __future__ import annotations

from enum import IntEnum

FULL = 15
"""The level of a pixel that its ink covers entirely. Lower levels let the background through."""

Colour = tuple[int, int, int]


class Ink(IntEnum):
    """The inks, each with its own colour. `ON_SIGNAL` is for letters on a field of SIGNAL."""

    PAPER = 0
    GRID = 1
    TEXT = 2
    FAINT = 3
    UP = 4
    DOWN = 5
    FAST = 6
    SLOW = 7
    LEVEL = 8
    SIGNAL = 9
    ON_SIGNAL = 10
    WARNING = 11


_WHITE: Colour = (255, 255, 255)
_COLOURS: dict[Ink, Colour] = {
    Ink.PAPER: _WHITE,
    Ink.GRID: (225, 229, 235),
    Ink.TEXT: (31, 41, 55),
    Ink.FAINT: (107, 114, 128),
    Ink.UP: (8, 153, 129),
    Ink.DOWN: (225, 50, 65),
    Ink.FAST: (37, 99, 235),
    Ink.SLOW: (217, 119, 6),
    Ink.LEVEL: (124, 58, 237),
    Ink.SIGNAL: (31, 41, 55),
    Ink.ON_SIGNAL: _WHITE,
    Ink.WARNING: (185, 28, 28),
}


def pixel(ink: Ink, level: int = FULL) -> int:
    """Return the byte of a pixel that an ink covers to this level."""
    return ink * (FULL + 1) + level


def colours() -> list[Colour]:
    """Return the colours of all bytes that `pixel` can return, in order."""
    found = []
    for ink in Ink:
        ground = _COLOURS[Ink.SIGNAL] if ink is Ink.ON_SIGNAL else _WHITE
        found += [_mixed(ground, _COLOURS[ink], level) for level in range(FULL + 1)]
    return found


def _mixed(ground: Colour, ink: Colour, level: int) -> Colour:
    red, green, blue = (
        (below * (FULL - level) + above * level) // FULL
        for below, above in zip(ground, ink, strict=True)
    )
    return red, green, blue
