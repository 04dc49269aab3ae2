from __future__ import annotations

import gzip
import zlib

import pytest

from chalicelib.domain.raw_lines import ArchivedLine, pack, pack_lines, unpack
from tests.factories import instant

LINES = [
    ArchivedLine(b'{"symbol": "AAPL", "price": 1}', instant(0)),
    ArchivedLine(b'{"symbol": "AAPL", "price": 2}', instant(0)),
    ArchivedLine(b'{"symbol": "MSFT", "price": 3}', instant(0.123456)),
]


def test_lines_come_back_with_their_arrivals() -> None:
    assert unpack(pack(LINES)) == [(line.line, line.arrival) for line in LINES]


def test_arrivals_may_go_back_or_be_unknown() -> None:
    lines = [
        (b"a", instant(5)),
        (b"b", None),
        (b"c", instant(3)),
        (b"d", instant(9.5)),
        (b"e", None),
    ]
    assert unpack(pack_lines(lines)) == lines


def test_any_reader_of_gzip_sees_the_lines_alone() -> None:
    assert gzip.decompress(pack(LINES)).splitlines() == [line.line for line in LINES]


def test_the_same_lines_make_the_same_bytes() -> None:
    assert pack(LINES) == pack(list(LINES))


def test_a_file_of_somebody_elses_has_lines_without_arrivals() -> None:
    assert unpack(gzip.compress(b"a\nb\n")) == [(b"a", None), (b"b", None)]


@pytest.mark.parametrize("body", [b"no gzip", pack(LINES)[:-20], pack(LINES)[:40] + b"\x00" * 60])
def test_an_invalid_gzip_file_raises(body: bytes) -> None:
    with pytest.raises((OSError, EOFError, zlib.error)):
        unpack(body)
