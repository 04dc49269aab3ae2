"""Saves screenshots of the page as an animated WebP, and draws the pointer into them."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw

LIMIT_BYTES = 2_000_000
"""The largest size of a picture in the README, in bytes."""

_ARROW = [(0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12)]
"""The outline of the pointer, in pixels from its tip. Screenshots do not include the pointer."""


def with_pointer(png: bytes, at: tuple[float, float]) -> Image.Image:
    """Return a screenshot with the pointer drawn in, whose tip is at pixels from the left and
    top."""
    frame = Image.open(io.BytesIO(png)).convert("RGB")
    outline = [(at[0] + x, at[1] + y) for x, y in _ARROW]
    ImageDraw.Draw(frame).polygon(outline, fill="white", outline="black")
    return frame


class Animation:
    """The frames of an animation in order, each with its duration in milliseconds."""

    def __init__(self) -> None:
        self.frames: list[tuple[Image.Image, int]] = []

    def add(self, png: bytes, milliseconds: int, pointer: tuple[float, float]) -> None:
        """Append a screenshot as a frame, with the pointer drawn in if it is given."""
        self.frames.append((with_pointer(png, pointer), milliseconds))

    def thin(self, start: int, most: int) -> None:
        """Keep at most `most` of the frames from `start` on, evenly spaced, including the last."""
        tail = self.frames[start:]
        step = -(-len(tail) // most)
        self.frames[start:] = tail[::-1][:: step or 1][::-1]

    @property
    def seconds(self) -> float:
        """Return the duration of one loop in seconds."""
        return sum(milliseconds for _, milliseconds in self.frames) / 1000

    def save(self, path: Path) -> int:
        """Write an animated WebP that repeats endlessly. Return its size in bytes. Raises
        ValueError above LIMIT_BYTES."""
        first, *others = [frame for frame, _ in self.frames]
        first.save(
            path,
            save_all=True,
            append_images=others,
            duration=[milliseconds for _, milliseconds in self.frames],
            loop=0,
            quality=72,
            method=4,
        )
        size = path.stat().st_size
        if size > LIMIT_BYTES:
            raise ValueError(f"{path} has {size} bytes; at most {LIMIT_BYTES} are allowed")
        return size

    def save_stills(self, folder: Path) -> None:
        """Write each frame as a PNG file, to inspect it."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, (frame, _) in enumerate(self.frames):
            frame.save(folder / f"{number:03}.png")
