"""What tests of pictures share."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.pictures.palette import FULL, Ink, colours, pixel
from tests.factories import make_alert, make_bar

NEW_YORK = ZoneInfo("America/New_York")


def colour(ink: Ink) -> tuple[int, int, int]:
    return colours()[pixel(ink, FULL)]


class Seen:
    """A decoded picture."""

    def __init__(self, png: bytes | None) -> None:
        assert png is not None
        self.bytes = len(png)
        self.image = Image.open(BytesIO(png)).convert("RGB")

    def count(self, ink: Ink) -> int:
        """The pixels that an ink covers entirely."""
        return sum(
            many for many, found in self.image.getcolors(10**6) or () if found == colour(ink)
        )

    def columns(self, ink: Ink, top: int = 54) -> list[int]:
        """The columns in which an ink is found below the lines of text."""
        wanted, (width, height) = colour(ink), self.image.size
        return [
            x
            for x in range(width)
            if any(self.image.getpixel((x, y)) == wanted for y in range(top, height))
        ]


@pytest.fixture
def minutes() -> list[Bar]:
    """An hour of minutes that rise by 0.1 each, from 100 on."""
    return [
        make_bar(60 * n, 100 + Decimal(n) / 10, open=100 + Decimal(n - 1) / 10) for n in range(60)
    ]


@pytest.fixture
def alert() -> Callable[..., Alert]:
    """Makes an alert on a tick in the minute after these."""
    return lambda **fields: make_alert(3610, **{"price": 106, **fields})
