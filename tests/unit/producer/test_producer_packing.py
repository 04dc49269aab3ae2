"""The number of ticks per record, by command and options."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.arguments import parse
from producer.building import RECORDED_TICKS, make_sink


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "days.csv"
    path.write_text("Date,Close\n2026-11-20,1\n")
    return str(path)


def packed(*arguments: str) -> tuple[int, float]:
    limits = make_sink(parse([*arguments, "--stream", "ticks"])).limits
    return limits.ticks_per_record, limits.flush_seconds


def test_a_file_at_full_speed_is_packed_and_nothing_waits(recording: str) -> None:
    assert packed("replay", recording) == (RECORDED_TICKS, 0.0)
    assert packed("replay", recording, "--speed", "max") == (RECORDED_TICKS, 0.0)


def test_a_folder_of_files_is_read_likewise(recording: str) -> None:
    assert packed("replay", str(Path(recording).parent)) == (RECORDED_TICKS, 0.0)


def test_a_given_speed_leaves_each_tick_its_record(recording: str) -> None:
    assert packed("replay", recording, "--speed", "1000") == (1, 0.0)


def test_the_option_decides(recording: str) -> None:
    assert packed("replay", recording, "--ticks-per-record", "1") == (1, 0.0)
    assert packed("replay", recording, "--ticks-per-record", "7") == (7, 1.0)


def test_an_archive_keeps_a_tick_a_record(tmp_path: Path) -> None:
    (tmp_path / "date=2026-11-20").mkdir()
    assert packed("replay", str(tmp_path)) == (1, 0.0)
    assert packed("replay", "s3://bucket/raw/") == (1, 0.0)


def test_live_sources_send_each_tick_by_itself() -> None:
    assert packed("stream", "--source", "simulator") == (1, 0.0)
