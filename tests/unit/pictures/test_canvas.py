"""Letters, lines and fields on a canvas."""

from __future__ import annotations

import pytest

from chalicelib.domain.pictures import canvas
from chalicelib.domain.pictures.canvas import Canvas, clipped, text_width
from chalicelib.domain.pictures.palette import Ink
from tests.unit.pictures.conftest import Seen, colour


def test_letters_are_drawn_where_they_are_written_and_cut_at_the_edge() -> None:
    canvas = Canvas(60, 20)
    after = canvas.text(10, 0, "SMA-20", Ink.TEXT)
    canvas.text(50, 0, "SMA-20", Ink.TEXT)
    seen = Seen(canvas.png())
    assert after == 10 + text_width("SMA-20")
    assert seen.count(Ink.TEXT) > 20
    assert min(seen.columns(Ink.TEXT, 0)) >= 10


def test_letters_that_the_font_lacks_are_question_marks() -> None:
    known, unknown = Canvas(40, 20), Canvas(40, 20)
    known.text(0, 0, "??", Ink.TEXT)
    unknown.text(0, 0, "Ü\n", Ink.TEXT)
    assert known.png() == unknown.png()


def test_a_text_is_clipped_to_its_columns() -> None:
    assert clipped("AAPL", 100) == "AAPL"
    cut = clipped("AAPL crossed above 100", 100)
    assert cut.endswith("...")
    assert text_width(cut) <= 100


def test_a_line_goes_through_its_points() -> None:
    canvas = Canvas(50, 50)
    canvas.line([(5, 5), (25, 5), (30, 45)], Ink.FAST, 3)
    image = Seen(canvas.png()).image
    for point in ((5, 5), (15, 5), (25, 5), (30, 45)):
        assert image.getpixel(point) == colour(Ink.FAST)
    assert image.getpixel((15, 20)) == colour(Ink.PAPER)


def test_shapes_are_cut_at_the_edges() -> None:
    canvas = Canvas(20, 20)
    canvas.fill(-5, -5, 40, 3, Ink.UP)
    canvas.disc((19, 19), 4, Ink.DOWN)
    canvas.line([(-10, 10), (40, 10)], Ink.SLOW)
    seen = Seen(canvas.png())
    assert seen.image.size == (20, 20)
    assert seen.count(Ink.UP) == 60


def test_a_long_text_is_read_as_far_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted row may have a message of 350 KB."""
    read: list[int] = []
    letter = canvas._letter

    def noted(place: int) -> tuple[int, tuple[bytes, ...]]:
        read.append(place)
        return letter(place)

    monkeypatch.setattr(canvas, "_letter", noted)
    assert clipped("i" * 350_000, 100).endswith("i...")
    assert len(read) < 200
