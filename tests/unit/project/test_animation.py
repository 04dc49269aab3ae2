"""The recording of the page: frames, their times, the pointer and the limit."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from tools import animation
from tools.animation import Animation, with_pointer


def screenshot(red: int) -> bytes:
    """A PNG of 40 by 30 pixels in one colour."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (red, 0, 0)).save(out, "PNG")
    return out.getvalue()


def film_of(frames: int) -> Animation:
    """Frames that grow redder, 100 ms each and the last one a second."""
    film = Animation()
    for number in range(frames):
        film.add(screenshot(20 * number), 1000 if number == frames - 1 else 100, (30, 5))
    return film


def test_pointer_stands_with_its_tip_at_the_place() -> None:
    frame = with_pointer(screenshot(0), (10, 8))
    assert frame.getpixel((12, 14)) == (255, 255, 255)
    assert frame.getpixel((8, 8)) == (0, 0, 0)


def test_saved_animation_has_every_frame_for_its_time(tmp_path: Path) -> None:
    film = film_of(5)
    size = film.save(tmp_path / "a.webp")
    assert size == (tmp_path / "a.webp").stat().st_size
    assert film.seconds == pytest.approx(1.4)
    with Image.open(tmp_path / "a.webp") as image:
        assert image.n_frames == 5  # type: ignore[attr-defined]
        image.seek(4)
        image.load()
        assert image.info["duration"] == 1000
        assert image.info["loop"] == 0


def test_long_wait_is_thinned_evenly_and_keeps_its_last_frame() -> None:
    film = film_of(11)
    before = [frame for frame, _ in film.frames]
    film.thin(1, 4)
    kept = [frame for frame, _ in film.frames]
    assert kept == [before[0], before[1], before[4], before[7], before[10]]
    film.thin(len(film.frames), 4)
    assert len(film.frames) == 5


def test_animation_above_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(animation, "LIMIT_BYTES", 100)
    with pytest.raises(ValueError, match="at most 100"):
        film_of(5).save(tmp_path / "a.webp")


def test_recording_in_the_readme_is_an_animation_within_the_limit() -> None:
    path = Path(__file__).resolve().parents[3] / "docs" / "images" / "dashboard.webp"
    assert path.stat().st_size <= animation.LIMIT_BYTES
    with Image.open(path) as image:
        assert image.n_frames > 20  # type: ignore[attr-defined]
