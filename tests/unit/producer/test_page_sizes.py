"""The unpacked size of Parquet's pages, by their headers."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from producer.files.page_sizes import unpacked_size

TABLE = pa.table(
    {
        "text": [f"S{n % 700}" * 5 for n in range(20_000)],
        "number": [float(n) for n in range(20_000)],
        "price": pa.array([Decimal(n) for n in range(20_000)], pa.decimal128(20, 8)),
        "flag": [n % 3 == 0 if n % 7 else None for n in range(20_000)],
        "lists": [[n, n + 1] for n in range(20_000)],
    }
)
WAYS: dict[str, dict[str, Any]] = {
    "snappy": {},
    "zstd": {"compression": "zstd", "data_page_size": 2_000},
    "second kind of page": {"data_page_version": "2.0", "compression": "gzip"},
    "no dictionary": {"use_dictionary": False, "write_statistics": False, "compression": "none"},
    "checksums and index": {"write_page_checksum": True, "write_page_index": True},
    "row groups": {"row_group_size": 3_000},
}


def assert_declared(path: Path) -> None:
    """pyarrow's and DuckDB's own account includes the headers, of some dozen bytes each."""
    metadata, content = pq.read_metadata(path), path.read_bytes()
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            declared = column.total_uncompressed_size
            assert 0.5 * declared < unpacked_size(content, column) <= declared


@pytest.mark.parametrize("way", WAYS)
def test_sizes_are_those_that_an_honest_file_declares(tmp_path: Path, way: str) -> None:
    pq.write_table(TABLE, tmp_path / "x.parquet", **WAYS[way])
    assert_declared(tmp_path / "x.parquet")


def test_sizes_of_another_writers_file_are_those_that_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    duckdb.sql(f"COPY (SELECT i, 'text' || i % 9 AS t FROM range(50000) r(i)) TO '{path}'")
    assert_declared(path)


class Column:
    """A chunk that fills a file."""

    has_dictionary_page = False
    data_page_offset = 0

    def __init__(self, size: int) -> None:
        self.total_compressed_size = size


@pytest.mark.parametrize(
    "header",
    [
        b"\x15\x00\x15\x02",  # breaks off
        b"\x00",  # has no sizes
        b"\x15\x00\x15\x01\x15\x02\x00",  # has a size below 0
        b"\x15" + b"\xff" * 12,
        b"\x1c" * 50_000,
        b"\x19\xf5" + b"\xff" * 9 + b"\x01",
        b"\x18\xff\xff\xff\xff\x7f",
        b"\x15\x00\x16\x02\x15\x02\x00",  # has a size of 64 bits
        b"\x15\x00\x15\x02\x15\x02\x06\x04\x02\x00",  # has field 2 again
        b"\x15\x00\x15\x02\x15\x02\x05\x84\x80\x08\x02\x00",  # 65538, 2 in 16 bits
        b"\x15\x00\x15\x80\x80\x80\x80\x10\x15\x02\x00",  # has a size of 2 GB
    ],
    ids=range(11),
)
def test_an_invalid_header_is_refused(header: bytes) -> None:
    with pytest.raises(ValueError, match="page"):
        unpacked_size(header, Column(len(header)))


def test_a_column_beyond_the_file_is_refused() -> None:
    with pytest.raises(ValueError, match="beyond the end"):
        unpacked_size(b"", Column(1))
