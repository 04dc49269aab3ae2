"""Small files that unpack to more than there is memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq
import pytest

from chalicelib.domain import raw_lines
from producer.errors import UsageError
from producer.files import bounded, bounded_parquet
from producer.files.asked import Asked
from producer.files.csv_file import CsvFile, delimiter_of
from producer.files.numbers import number_of
from producer.files.opening import open_files
from producer.files.parquet_file import ParquetFile
from producer.files.times import instant_of, is_either, order_shown
from producer.sources import lake
from producer.sources.ndjson import Recording
from producer.sources.objects import Folder


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


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("Date;Close;" * 100_000, ";"),
        ('x,"a","b",' + '"' * 100_000, ","),
        ('"Close, last";"Open, first";Date', ";"),
        ("Date\tClose, last\tOpen", "\t"),
        ("Date|Close", "|"),
        ("Date", ","),
    ],
)
def test_a_header_of_any_length_shows_its_delimiter(header: str, delimiter: str) -> None:
    """csv.Sniffer needed hours for one of 2,048 quotes."""
    assert delimiter_of(header) == delimiter


def test_a_date_of_any_length_is_judged_in_one_pass() -> None:
    cell = f"01/02/2024{':' * 131_000}x\n"
    assert (is_either(cell), order_shown(cell)) == (False, None)
    with pytest.raises(ValueError, match="is not a date"):
        instant_of(cell)


@pytest.mark.parametrize("cell", ["1" * 131_000 + "x", "1," * 60_000 + "x", "." * 131_000])
def test_a_cell_of_any_length_is_refused_in_one_pass(cell: str) -> None:
    """Going back after each digit took minutes."""
    with pytest.raises(ValueError, match=r"is not a number") as error:
        number_of(cell)
    assert len(str(error.value)) < 80


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


def test_a_page_larger_than_its_file_declares_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(
        pyarrow.table({"Date": ["2024-01-02"] * 9_000, "Close": [float(n) for n in range(9_000)]}),
        path,
        compression="zstd",
        use_dictionary=["Date"],
    )
    content = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(1)
    declared = _varint(column.total_uncompressed_size)
    footer = content.rindex(declared)  # the footer's account of the column, not its page's
    content[footer : footer + len(declared)] = _varint(10_000)  # as many bytes
    path.write_bytes(content)
    assert pq.read_metadata(path).row_group(0).column(1).total_uncompressed_size == 10_000
    monkeypatch.setattr(bounded_parquet, "MOST_UNPACKED", 50_000)
    with pytest.raises(UsageError, match=r"column Close has 7\d,\d{3} bytes in row group 0"):
        list(ParquetFile(path).rows())


def _varint(number: int) -> bytes:
    """A whole number as Thrift's compact protocol writes it."""
    rest, written = number << 1, b""
    while rest > 127:
        written += bytes([rest & 127 | 128])
        rest >>= 7
    return written + bytes([rest])


def test_columns_of_lists_are_passed_over(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", "A", rows=1, Lists=[[1, 2]], Volume=[7])
    assert list(ParquetFile(path).rows()) == [
        (0, ["Date", "Close", "Symbol", "Volume"]),
        (1, ("2024-01-02", "1.0", "A", "7")),
    ]


def test_truncated_parquet_is_reported_in_a_line(tmp_path: Path) -> None:
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


def decimals(path: Path, is_fixed: bool) -> Path:
    """References of 4,096 rows to one entry of 100 KB, in a column that calls itself a decimal."""
    entry = pyarrow.binary(100_000) if is_fixed else pyarrow.binary()
    volume = pyarrow.array([bytes(100_000)] * 4096, entry)
    table = pyarrow.table({"Date": ["2024-01-02"] * 4096, "Close": [1.0] * 4096, "Volume": volume})
    pq.write_table(table, path, store_schema=False, compression="zstd", write_statistics=False)
    raw = path.read_bytes()
    length = int.from_bytes(raw[-8:-4], "little")
    head, foot = raw[: -8 - length], raw[-8 - length : -8]
    name = b"\x18\x06Volume"  # field 4 of a SchemaElement, in Thrift's compact protocol
    decimal = b"\x25\x0a\x15\x04\x15\x14"  # fields 6 to 8: DECIMAL, a scale of 2, a precision of 10
    assert foot.count(name + b"\x00") == 1
    foot = foot.replace(name + b"\x00", name + decimal + b"\x00")
    path.write_bytes(head + foot + len(foot).to_bytes(4, "little") + b"PAR1")
    return path


@pytest.mark.parametrize("is_fixed", [False, True])
def test_decimals_of_any_length_are_refused(tmp_path: Path, is_fixed: bool) -> None:
    path = decimals(tmp_path / "x.parquet", is_fixed)
    assert path.stat().st_size < 10_000
    before = pyarrow.default_memory_pool().max_memory()
    with pytest.raises(UsageError, match="column Volume is a decimal number of any length"):
        list(ParquetFile(path).rows())
    assert pyarrow.default_memory_pool().max_memory() - before < 100_000_000


def test_decimals_are_read(tmp_path: Path) -> None:
    prices = pyarrow.array([Decimal("1.25")], pyarrow.decimal256(76, 2))
    path = parquet(tmp_path / "x.parquet", "A", rows=1, Volume=prices)
    assert list(ParquetFile(path).rows())[1] == (1, ("2024-01-02", "1.0", "A", "1.25"))


@pytest.mark.parametrize("twin", ["Volume", "Volume.list"])
def test_a_list_with_the_name_of_a_number_is_not_read(tmp_path: Path, twin: str) -> None:
    lists = pyarrow.array([[0] * 1000])
    table = pyarrow.table(
        [["2024-01-02"], [1.0], [1.0], lists], names=["Date", "Close", twin, "Volume"]
    )
    path = tmp_path / "x.parquet"
    pq.write_table(table, path)
    with pytest.raises(UsageError, match=f"x.parquet: several columns are called {twin}$"):
        list(ParquetFile(path).rows())


def of_symbols(path: Path, count: int) -> Path:
    """A file of a minute of each of many symbols."""
    minutes = [f"S{number},2026-11-20T15:30:00Z,{number + 1}" for number in range(count)]
    if path.suffix == ".csv":
        path.write_text("\n".join(["symbol,timestamp,price", *minutes]))
        return path
    keys = ("symbol", "timestamp", "price")
    rows = [dict(zip(keys, minute.split(","), strict=True)) for minute in minutes]
    path.write_text("\n".join(json.dumps(row | {"price": float(row["price"])}) for row in rows))
    return path


@pytest.mark.parametrize("name", ["x.csv", "x.ndjson"])
def test_a_file_of_more_symbols_than_there_are_is_refused_unless_some_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("producer.sources.recording.MOST_SYMBOLS", 3)
    path = of_symbols(tmp_path / name, 5)
    with pytest.raises(UsageError, match=f"{name}: more than 3 symbols; name some with --symbols"):
        open_files([path], Asked()).check()
    named = open_files([path], Asked(symbols=("S4", "S1")))
    named.check()
    assert (named.total, len(named.found)) == (2, 4)
    assert sorted(tick.symbol for tick in named.ticks()) == ["S1", "S4"]
