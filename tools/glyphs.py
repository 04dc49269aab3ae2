"""Writes `chalicelib/domain/pictures/glyphs.py`, the letters of pictures: `python -m tools.glyphs`.

The letters come from Aileron Regular (CC0), a font in Pillow. They are stored as grey levels of 4
bits, letter by letter and row by row. So no Lambda function needs Pillow to draw them.
"""

from __future__ import annotations

import base64
import math
import zlib
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]

TARGET = ROOT / "chalicelib" / "domain" / "pictures" / "glyphs.py"
SIZE = 16
LETTERS = "".join(map(chr, range(32, 127)))
_LEVELS = 16
_COLUMNS = 90

_TEXT = '''"""The letters of pictures, made by `python -m tools.glyphs` (Aileron Regular, CC0)."""

FIRST = "{first}"
HEIGHT = {height}
"""Rows of a letter."""

WIDTHS = bytes.fromhex(
{widths}
)
"""Columns of each letter from FIRST on, one byte each."""

PACKED = (
{packed}
)
"""Levels from 0 to 15 by letter, row and column: two to a byte, deflated, in base 85."""
'''


def main() -> None:
    """Draw all letters and write them to the module."""
    font = ImageFont.load_default(SIZE)
    assert isinstance(font, ImageFont.FreeTypeFont)
    height = sum(font.getmetrics())
    widths = [math.ceil(font.getlength(letter)) for letter in LETTERS]
    levels = b"".join(
        _levels(font, letter, width, height) for letter, width in zip(LETTERS, widths, strict=True)
    )
    levels += b"\0" * (len(levels) % 2)
    halves = bytes(high << 4 | low for high, low in zip(levels[::2], levels[1::2], strict=True))
    packed = base64.b85encode(zlib.compress(halves, 9)).decode()
    texts = {"packed": _quoted(packed), "widths": _quoted(bytes(widths).hex())}
    TARGET.write_text(_TEXT.format(first=LETTERS[0], height=height, **texts))


def _quoted(text: str) -> str:
    """Return a string as adjacent literals, each on a line of at most _COLUMNS characters."""
    lines = (text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS))
    return "\n".join(f'    "{line}"' for line in lines)


def _levels(font: ImageFont.FreeTypeFont, letter: str, width: int, height: int) -> bytes:
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((0, 0), letter, fill=255, font=font)
    return bytes(round(value * (_LEVELS - 1) / 255) for value in image.tobytes())


if __name__ == "__main__":
    main()
