"""Small files that unpack to more than there is memory."""

from __future__ import annotations

import csv
import gzip
import tracemalloc
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq
import pytest

from chalicelib.domain import raw_lines
from producer.errors import UsageError
from producer.files import bounded, bounded_parquet
from producer.files.asked import Asked
from producer.files.csv_file import CsvFile, delimiter_of
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


def test_a_csv_row_without_end_is_refused(short: None, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("timestamp,close\n" + '1,"\n"' * 50)
    with pytest.raises(UsageError, match=r"x.csv: a row has more than 100 characters"):
        list(CsvFile(path).rows())


def test_csv_rows_over_several_lines_are_read(short: None, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    row = '"' + "\n" * 40 + '",1\n'
    path.write_text("note,close\n" + row * 10)
    assert sum(1 for _ in CsvFile(path).rows()) == 11


def test_a_header_is_sniffed_by_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    sniff = csv.Sniffer.sniff

    def counted(self: csv.Sniffer, sample: str, delimiters: str) -> type[csv.Dialect]:
        seen.append(len(sample))
        return sniff(self, sample, delimiters)

    monkeypatch.setattr(csv.Sniffer, "sniff", counted)
    assert delimiter_of("Date;Close;" * 100_000) == ";"
    assert seen
    assert max(seen) <= 2048


def test_a_line_of_a_recording_without_end_is_refused(short: None, tmp_path: Path) -> None:
    recording = Recording(bomb(tmp_path / "x.ndjson.gz"), Asked())
    with pytest.raises(UsageError, match="line 2 has more than 100"):
        recording.check()


def test_an_object_of_the_archive_that_unpacks_without_end_is_refused(short: None) -> None:
    with pytest.raises(OSError, match="more than 100 bytes"):
        raw_lines.unpack(gzip.compress(b"x" * 1000))
    assert len(raw_lines.unpack(gzip.compress(b"x" * 100))) == 1


def archived(comment: bytes, body: bytes = b"{}\n{}\n") -> bytes:
    """A gzip file with a comment."""
    plain = gzip.compress(body)
    return plain[:3] + b"\x10" + plain[4:10] + comment + b"\x00" + plain[10:]


@pytest.mark.parametrize(
    "arrivals",
    [
        "[[null, 700000000000]]",
        "[[null, 700000000000], [null, -699999999998]]",
        '[["2026-11-20T15:30:00.123000Z", 1], [9223372036854775807, 1]]',
        '[["no time", 2]]',
        '[["2026-11-20T15:30:00.123000Z", 1]]',
        '[["2026-11-20T15:30:00.123000Z", 2, 3]]',
        "[[" + "[" * 100_000,
        "",
    ],
    ids=range(8),
)
def test_an_archives_comment_that_cannot_be_true_says_nothing(arrivals: str) -> None:
    found = archived(f'{{"arrivals": {arrivals}}}'.encode())
    assert raw_lines.unpack(found) == [(b"{}", None)] * 2


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


@pytest.mark.parametrize("kind", [pyarrow.json_(), pyarrow.string_view(), pyarrow.large_string()])
def test_a_text_is_held_once_whatever_arrow_calls_it(
    tmp_path: Path, kind: pyarrow.DataType
) -> None:
    note = pyarrow.array(['"' + "9" * 100_000 + '"'] * 300)
    is_json = kind == pyarrow.json_()
    note = pyarrow.ExtensionArray.from_storage(kind, note) if is_json else note.cast(kind)
    times = 20
    table = pyarrow.table(
        {
            "Date": ["2024-01-02"] * 300 * times,
            "Close": [1.0] * 300 * times,
            "Note": pyarrow.chunked_array([note] * times),
        }
    )
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, compression="zstd")
    assert path.stat().st_size < 100_000
    before = pyarrow.default_memory_pool().bytes_allocated()
    most = 0
    for number, row in ParquetFile(path).rows():
        most = max(most, pyarrow.default_memory_pool().bytes_allocated())
        assert number == 0 or len(row[2]) == 100_002
    assert most - before < 50_000_000


def test_columns_of_types_that_others_add_to_arrow_are_passed_over(tmp_path: Path) -> None:
    number = pyarrow.ExtensionArray.from_storage(
        pyarrow.uuid(), pyarrow.array([b"1" * 16], pyarrow.binary(16))
    )
    path = parquet(tmp_path / "x.parquet", "A", rows=1, Id=number)
    assert next(iter(ParquetFile(path).rows())) == (0, ["Date", "Close", "Symbol"])


def test_few_rows_of_many_columns_are_taken_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parquet(tmp_path / "x.parquet", "A", rows=100)
    monkeypatch.setattr(bounded_parquet, "CELLS_AT_ONCE", 30)
    file = bounded_parquet.open_file(path, "x")
    names = ["Date", "Close", "Symbol"]
    assert {batch.num_rows for batch in bounded_parquet.batches(file, names, "x")} == {10}


@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [
        ("bounded.LONGEST_LINE", 100, "a cell of Symbol has 101 bytes; allowed: up to 100"),
        ("bounded_parquet.MOST_TEXT", 100, "the texts of 4,096 rows have more than 100 bytes"),
        ("bounded_parquet.MOST_UNPACKED", 50, "in row group 0; allowed: up to 50"),
        ("bounded_parquet.MOST_IN_GROUP", 50, "its columns have .* bytes in row group 0; allowed"),
        ("bounded_parquet.MOST_COLUMNS", 2, "3 columns; allowed: up to 2"),
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
