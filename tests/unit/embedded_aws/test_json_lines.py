"""Lines of JSON in the Athena stand-in."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from embedded_aws.athena.engine.json_lines import LineReader

NAMES = ["symbol", "price", "volume"]

TOLD = [
    (b'{"symbol":"A","price":1.50,"volume":7}', ["A", "1.50", "7"]),
    (b'{"symbol":"A","price":-0,"volume":-0.0}', ["A", "-0", "-0.0"]),
    (b'{"symbol":"A","price": -0 ,"volume":0}', ["A", "-0", "0"]),
    (b'{"symbol":"A","price":1e999,"volume":12345678901234567890123}',
     ["A", "1e999", "12345678901234567890123"]),
    (b'{"symbol":true,"price":false,"volume":null}', ["true", "false", None]),
    (b'{"symbol":["A", 1],"price":{"a": 1.0},"volume":""}', ['["A", 1]', '{"a": 1.0}', ""]),
    (b'{"symbol":"\\u00e9\\n","price":"1","other":[1]}', ["é\n", "1", None]),
    (b'{"symbol":"A","symbol":"B"}', ["B", None, None]),
    (b'["A",2.0]', ["A", "2.0", None]),
    (b'  {"symbol":"A"} \x0b', ["A", None, None]),
    (b'{"symbol":"\xff","price":1}', ["\N{REPLACEMENT CHARACTER}", "1", None]),
    (b"no JSON", [None, None, None]),
    (b'{"symbol":', [None, None, None]),
    (b"", [None, None, None]),
]  # fmt: skip


def reader() -> LineReader:
    """Return the reader of a table with text columns only."""
    return LineReader(NAMES, [pa.string()] * 3, ignore_malformed=True, fold_case=False)


def rows(columns: dict[str, Any]) -> list[list[Any]]:
    """Row by row."""
    return [list(row) for row in zip(*(columns[name].to_pylist() for name in NAMES), strict=True)]


@pytest.mark.parametrize(("line", "wanted"), TOLD)
def test_a_line_is_read_as_it_stands(line: bytes, wanted: list[str | None]) -> None:
    assert rows(reader().read([line], NAMES)) == [wanted]


def test_odd_lines_keep_their_places() -> None:
    lines = [line for line, _ in TOLD]
    assert rows(reader().read(lines, NAMES)) == [wanted for _, wanted in TOLD]
    assert reader().read([], ["price"])["price"].to_pylist() == []
