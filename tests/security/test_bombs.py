"""Small files that unpack to more than there is memory."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from chalicelib.domain import raw_lines
from producer.errors import UsageError
from producer.files import bounded
from producer.files.asked import Asked
from producer.files.csv_file import CsvFile
from producer.sources.ndjson import Recording


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines may have 100 characters, objects 100 bytes."""
    monkeypatch.setattr(bounded, "LONGEST_LINE", 100)
    monkeypatch.setattr(raw_lines, "MOST_UNPACKED", 100)


def bomb(path: Path) -> Path:
    """A gzip file of one long line behind a good one."""
    path.write_bytes(gzip.compress(b"timestamp,close\n" + b"1" * 1000))
    return path


def test_a_csv_line_without_end_is_refused(short: None, tmp_path: Path) -> None:
    file = CsvFile(bomb(tmp_path / "x.csv.gz"))
    with pytest.raises(UsageError, match=r"x.csv.gz: line 2 has more than 100 characters"):
        list(file.rows())


def test_a_line_of_a_recording_without_end_is_refused(short: None, tmp_path: Path) -> None:
    recording = Recording(bomb(tmp_path / "x.ndjson.gz"), Asked())
    with pytest.raises(UsageError, match="line 2 has more than 100"):
        recording.check()


def test_an_object_of_the_archive_that_unpacks_without_end_is_refused(short: None) -> None:
    with pytest.raises(OSError, match="more than 100 bytes"):
        raw_lines.unpack(gzip.compress(b"x" * 1000))
    assert len(raw_lines.unpack(gzip.compress(b"x" * 100))) == 1


def test_a_line_of_the_longest_length_is_read(short: None, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a" * 99 + "\n" + "b" * 100)
    with path.open() as file:
        assert [len(line) for line in bounded.lines(file, path)] == [100, 100]
