"""Lines of JSON as the OpenX SerDe of Athena reads them.

Keys are found whatever their case; a line that is an array gives the columns in their order. A
number in a string column is its text as it stands in the line. What cannot be read as its
column's type is null. Trino's `OpenXJsonDeserializer` is the reference.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import pyarrow as pa

from local.athena.engine.failures import QueryError, unsupported

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)


def lines_of(key: str, body: bytes) -> list[bytes]:
    """An object's lines, unpacked by its name's ending. Raises QueryError."""
    if not key.endswith(".gz"):
        return body.splitlines()
    try:
        return gzip.decompress(body).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise QueryError("HIVE_CURSOR_ERROR", f"Failed to read file {key}: {error}") from error


class LineReader:
    """Reads lines of a table. `names` and `kinds` are all its columns, in order."""

    def __init__(
        self,
        names: Sequence[str],
        kinds: Sequence[Any],
        *,
        ignore_malformed: bool,
        fold_case: bool = True,
    ):
        self._fold = fold_case
        self._positions = {name: at for at, name in enumerate(names)}
        self._kinds = dict(zip(names, kinds, strict=True))
        self._ignore = ignore_malformed
        self._known = set(names)

    def read(self, lines: Sequence[bytes], wanted: Sequence[str]) -> dict[str, Any]:
        """Arrow arrays of the wanted columns, by name."""
        rows = [self._row(line) for line in lines]
        return {name: self._column(rows, name) for name in wanted}

    def _row(self, line: bytes) -> dict[str, msgspec.Raw] | list[msgspec.Raw] | None:
        try:
            if line.startswith(b"{"):
                row = _object.decode(line)
                return row if row.keys() <= self._known else self._folded(row)
            stripped = line.strip()
            if stripped.startswith(b"{"):
                return self._folded(_object.decode(stripped))
            return _array.decode(stripped) if stripped.startswith(b"[") else None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            if self._ignore:
                return None
            raise QueryError(
                "HIVE_CURSOR_ERROR", f"Row is not a valid JSON Object: {error}"
            ) from error

    def _folded(self, row: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
        return {name.lower(): value for name, value in row.items()} if self._fold else row

    def _column(self, rows: Sequence[Any], name: str) -> Any:
        position, kind = self._positions[name], self._kinds[name]
        read = _reader(kind)
        values = []
        for row in rows:
            raw: msgspec.Raw | None = None
            if type(row) is dict:
                raw = row.get(name)
            elif row is not None and position < len(row):
                raw = row[position]
            values.append(None if raw is None else read(bytes(raw)))
        return pa.array(values, kind)


def as_text(raw: bytes) -> str | None:
    """A JSON value's text: a string's own, null's none, any other's as it is written."""
    if raw[:1] == b'"':
        return _text.decode(raw) if b"\\" in raw else raw[1:-1].decode()
    return None if raw == b"null" else raw.decode()


def _number(kind: Callable[[str], Any]) -> Callable[[bytes], Any]:
    def read(raw: bytes) -> Any:
        text = as_text(raw)
        try:
            return None if text is None else kind(text)
        except ValueError:
            return None

    return read


def _decimal_of(kind: Any) -> Callable[[bytes], Any]:
    def read(text: str) -> Decimal | None:
        try:
            value = Decimal(text).quantize(Decimal(1).scaleb(-kind.scale))
        except InvalidOperation:
            return None
        return value if value.adjusted() < kind.precision - kind.scale else None

    return _number(read)


def _reader(kind: Any) -> Callable[[bytes], Any]:
    if pa.types.is_decimal(kind):
        return _decimal_of(kind)
    if kind not in _READERS:
        raise unsupported(f"a column of the type {kind} in JSON")
    return _READERS[kind]


_READERS: dict[Any, Callable[[bytes], Any]] = {
    pa.string(): as_text,
    pa.bool_(): _number(lambda text: text.lower() == "true"),
    pa.int8(): _number(int),
    pa.int16(): _number(int),
    pa.int32(): _number(int),
    pa.int64(): _number(int),
    pa.float32(): _number(float),
    pa.float64(): _number(float),
}
