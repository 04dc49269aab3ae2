"""Small files that unpack to more than there is memory."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq
import pytest

from chalicelib.domain import raw_lines
from producer.errors import UsageError
from producer.files import bounded
from producer.files.asked import Asked
from producer.files.csv_file import CsvFile
from producer.files.parquet_file import ParquetFile
from producer.sources import lake
from producer.sources.archive import Folder
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


def parquet(path: Path, symbol: str, rows: int = 60_000, **columns: list[object]) -> Path:
    """A file of few kilobytes: each row refers to the same long symbol."""
    texts = pyarrow.array([symbol])
    places = pyarrow.array([0] * rows, pyarrow.int32())
    table = pyarrow.table(
        {
            "Date": ["2024-01-02"] * rows,
            "Close": [1.0] * rows,
            "Symbol": pyarrow.DictionaryArray.from_arrays(places, texts),
            **columns,
        }
    )
    pq.write_table(table, path, compression="zstd", store_schema=False)
    return path


def test_a_text_that_each_row_of_parquet_refers_to_is_held_once(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", "9" * 100_000)
    assert path.stat().st_size < 5_000
    before = pyarrow.default_memory_pool().max_memory()
    tracemalloc.start()
    try:
        assert sum(1 for _ in ParquetFile(path).rows()) == 60_001
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert pyarrow.default_memory_pool().max_memory() - before < 100_000_000


@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [
        ("bounded.LONGEST_LINE", 100, "a cell of Symbol has 101 bytes; allowed: up to 100"),
        ("bounded_parquet.MOST_TEXT", 100, "the texts of 4,096 rows have more than 100 bytes"),
        ("bounded_parquet.MOST_UNPACKED", 50, "in row group 0; allowed: up to 50"),
    ],
)
def test_parquet_beyond_a_bound_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, said: str
) -> None:
    path = parquet(tmp_path / "x.parquet", "A" * 101, rows=10)
    monkeypatch.setattr(f"producer.files.{limit}", most)
    with pytest.raises(UsageError, match=said) as refused:
        list(ParquetFile(path).rows())
    assert "\n" not in str(refused.value)


def test_columns_of_lists_are_passed_over(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", "A", rows=1, Lists=[[1, 2]], Volume=[7])
    assert list(ParquetFile(path).rows()) == [
        (0, ["Date", "Close", "Symbol", "Volume"]),
        (1, ("2024-01-02", "1.0", "A", "7")),
    ]


def test_parquet_that_breaks_off_while_it_is_read_is_told_in_a_line(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", "A", rows=10)
    content = bytearray(path.read_bytes())
    content[4:60] = bytes(56)
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.parquet: cannot be read as Parquet"):
        list(ParquetFile(path).rows())


def test_compacted_days_with_texts_that_no_tick_has_are_refused(tmp_path: Path) -> None:
    day = tmp_path / "ticks" / "date=2026-11-20" / "run=1"
    day.mkdir(parents=True)
    pq.write_table(
        pyarrow.table(
            {"symbol": ["A"], "timestamp": ["2026-11-20T15:00:00.000000Z"], "source": ["s" * 201]}
        ),
        day / "1",
    )
    recording = lake.Recording(Folder(tmp_path / "ticks"), [], None, None)
    with pytest.raises(UsageError, match="a cell of source has 201 bytes; allowed: up to 200"):
        list(recording.ticks())
