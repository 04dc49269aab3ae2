"""Reads JSON lines as Athena's OpenX SerDe does.

Keys match regardless of case. A line that is an array gives the columns in order. A number in a
string column keeps its text. A value that does not fit its column's type is null. Trino's
`OpenXJsonDeserializer` is the reference.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import pyarrow as pa

from embedded_aws.athena.engine.failures import QueryError, unsupported

Cells = list[msgspec.Raw | None]

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)


def lines_of(key: str, body: bytes) -> list[bytes]:
    """Return the lines of an object, which is decompressed if its key ends with `.gz`.

    Raises QueryError if the object cannot be decompressed.
    """
    if not key.endswith(".gz"):
        return body.splitlines()
    try:
        return gzip.decompress(body).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise QueryError("HIVE_CURSOR_ERROR", f"Failed to read file {key}: {error}") from error


class LineReader:
    """Reads JSON lines as rows of a table. `names` and `kinds` (Arrow types) describe all columns
    of the table, in order."""

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
        """Return the wanted columns as Arrow arrays, by column name.

        Raises QueryError for a malformed line; with `ignore_malformed` that line is a row of nulls.
        """
        decode = self._any_case if self._fold else _exact(wanted)
        positions = [self._positions[name] for name in wanted]
        reads = [_reader(self._kinds[name]) for name in wanted]
        columns: list[list[Any]] = [[] for _ in wanted]
        for line in lines:
            for values, read, raw in zip(
                columns, reads, self._row(line, decode, wanted, positions), strict=True
            ):
                values.append(None if raw is None else read(bytes(raw)))
        kinds = [self._kinds[name] for name in wanted]
        arrays = [pa.array(held, kind) for held, kind in zip(columns, kinds, strict=True)]
        return dict(zip(wanted, arrays, strict=True))

    def _row(
        self,
        line: bytes,
        decode: Callable[[bytes, Sequence[str]], Cells],
        wanted: Sequence[str],
        positions: Sequence[int],
    ) -> Cells:
        line = line.strip()
        try:
            if line.startswith(b"{"):
                return decode(line, wanted)
            if line.startswith(b"["):
                found = _array.decode(line)
                return [found[at] if at < len(found) else None for at in positions]
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            if not self._ignore:
                reason = f"Row is not a valid JSON Object: {error}"
                raise QueryError("HIVE_CURSOR_ERROR", reason) from error
        return [None] * len(wanted)  # any other line is a row of nulls

    def _any_case(self, line: bytes, wanted: Sequence[str]) -> Cells:
        row = _object.decode(line)
        if not row.keys() <= self._known:
            row = {name.lower(): value for name, value in row.items()}
        return [row.get(name) for name in wanted]


def _exact(wanted: Sequence[str]) -> Callable[[bytes, Sequence[str]], Cells]:
    """Return a function that reads the wanted members of a JSON object, case-sensitively."""
    fields = {f"c{at}": name for at, name in enumerate(wanted)}
    members = [(field, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for field in fields]
    decoder = msgspec.json.Decoder(msgspec.defstruct("Row", members, rename=fields))

    def decode(line: bytes, _: Sequence[str]) -> Cells:
        cells = msgspec.structs.astuple(decoder.decode(line))
        return [None if cell is msgspec.UNSET else cell for cell in cells]

    return decode


def as_text(raw: bytes) -> str | None:
    """Return a JSON value as text: a string's content, None for null, any other value as written.

    Invalid Unicode is replaced.
    """
    if raw[:1] != b'"':
        return None if raw == b"null" else raw.decode(errors="replace")
    text = raw.decode(errors="replace")
    return _text.decode(text) if b"\\" in raw else text[1:-1]


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
