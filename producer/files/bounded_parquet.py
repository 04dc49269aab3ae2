"""Reads Parquet in pieces that fit into memory, however small the file is.

A kilobyte of Parquet may hold one long text in a dictionary and a million references to it. So
texts stay in their dictionaries, whatever type the file's Arrow schema gives them, and few cells
are read at once. Data that unpacks to too many bytes is refused. Both the file's declared sizes and
those of its pages are checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from producer.errors import UsageError
from producer.files.page_sizes import unpacked_size

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

MOST_UNPACKED = 1 << 28
"""The most bytes of a column in one row group; writers make whole row groups smaller than this."""

MOST_IN_GROUP = 1 << 30
"""The most bytes of all columns of a row group; one page of each is unpacked at a time."""

MOST_COLUMNS = 1 << 15
"""The most columns: room for five fields of 6,500 symbols."""

LONGEST_DECIMAL = 32
"""The most bytes of a decimal: those of 76 digits, Arrow's maximum."""

ROWS_AT_ONCE = 4096
CELLS_AT_ONCE = 1 << 20

MOST_TEXT = 1 << 26
"""The most bytes of the texts of ROWS_AT_ONCE rows: 16 KB a row if all differ."""

_TEXTS = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")
_TIMES = ("date", "time", "timestamp", "duration")
_CELLS = (*_TEXTS, *_TIMES, "null", "boolean", "integer", "floating", "decimal")
_NO_VALUE = (ArithmeticError, LookupError, ValueError)


@contextmanager
def told(name: object) -> Iterator[None]:
    """Convert pyarrow's errors to UsageError, whose message begins with `name`."""
    import pyarrow

    try:
        yield
    except (OSError, MemoryError, pyarrow.ArrowException) as error:
        reason = next(iter(str(error).splitlines()), "")
        raise UsageError(f"{name}: cannot be read as Parquet: {reason}") from error


def open_file(path: Path, name: object) -> pyarrow.parquet.ParquetFile:
    """Open a file with texts as dictionaries. Raises UsageError, whose message begins with
    `name`."""
    import pyarrow.parquet

    with told(name):
        metadata = pyarrow.parquet.read_metadata(path)
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            _check_sizes(metadata, content, name)
        columns = [metadata.schema.column(place) for place in range(metadata.num_columns)]
        _check_decimals(columns, name)
        texts = [column.path for column in columns if _holds_text(column)]
        return pyarrow.parquet.ParquetFile(
            path, read_dictionary=texts, arrow_extensions_enabled=False
        )


def _holds_text(column: Any) -> bool:
    """Return whether a column's Parquet type is text. The Arrow schema may give it any other
    type."""
    is_bytes: bool = column.physical_type == "BYTE_ARRAY"
    return is_bytes and column.logical_type.type != "DECIMAL"


def _check_decimals(columns: Sequence[Any], name: object) -> None:
    """Raise UsageError for long decimals. pyarrow unpacks a decimal for each reference before it
    checks the decimal's length."""
    for column in columns:
        is_decimal = column.logical_type.type == "DECIMAL"
        is_long = column.physical_type == "BYTE_ARRAY" or column.length > LONGEST_DECIMAL
        if is_decimal and is_long:
            raise UsageError(
                f"{name}: column {column.path} is a decimal number of any length; allowed: up to"
                f" {LONGEST_DECIMAL} bytes, or a floating-point number"
            )


def _check_sizes(metadata: Any, content: mmap, name: object) -> None:
    columns = metadata.num_columns
    if columns > MOST_COLUMNS:
        raise UsageError(f"{name}: {columns:,} columns; allowed: up to {MOST_COLUMNS:,}")
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        total = 0
        for place in range(columns):
            column = row_group.column(place)
            size = max(column.total_uncompressed_size, _unpacked_size(content, column, name))
            total += size
            _check_size(name, f"column {column.path_in_schema} has", size, group, MOST_UNPACKED)
        _check_size(name, "its columns have", total, group, MOST_IN_GROUP)


def _unpacked_size(content: mmap, column: Any, name: object) -> int:
    try:
        return unpacked_size(content, column)
    except ValueError as error:
        raise UsageError(f"{name}: cannot be read as Parquet: {error}") from error


def _check_size(name: object, has: str, size: int, group: int, most: int) -> None:
    if size > most:
        raise UsageError(
            f"{name}: {has} {size:,} bytes in row group {group}; allowed: up to {most:,}"
        )


def is_text(kind: pyarrow.DataType) -> bool:
    """Return whether values of a type are texts or bytes, which vary in length."""
    return _is_any_of(_TEXTS, kind)


def is_cell(kind: pyarrow.DataType) -> bool:
    """Return whether a value of a type can be a cell: a text, number, date or time.

    Lists, structs and Arrow extension types cannot.
    """
    return _is_any_of(_CELLS, kind)


def _is_any_of(names: Sequence[str], kind: pyarrow.DataType) -> bool:
    """Return whether a type is one of pyarrow's named types. For a dictionary its values' type
    counts."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_any_of(names, kind.value_type)
    return any(getattr(types, f"is_{name}")(kind) for name in names)


def batches(
    file: pyarrow.parquet.ParquetFile, columns: Sequence[str], name: object
) -> Iterator[pyarrow.RecordBatch]:
    """Yield the columns in batches of few rows. Raises UsageError if the file is truncated or a
    name is used twice."""
    _check_names(file.metadata.schema, set(columns), name)
    rows = max(1, min(ROWS_AT_ONCE, CELLS_AT_ONCE // max(1, len(columns))))
    with told(name):
        yield from file.iter_batches(rows, columns=list(columns))


def _check_names(schema: Any, wanted: set[str], name: object) -> None:
    """Raise UsageError if several columns have the same name. pyarrow reads all columns of a name,
    including lists and parts of a group."""
    found: set[str] = set()
    for place in range(len(schema)):
        parts = schema.column(place).path.split(".")
        prefixes = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
        for column in prefixes & wanted:
            if column in found:
                raise UsageError(f"{name}: several columns are called {column}")
            found.add(column)


class Piece:
    """The columns of a few rows. Each text is decoded once, however many rows refer to it. A text
    has at most `longest` bytes, and all texts together have at most MOST_TEXT."""

    def __init__(self, batch: pyarrow.RecordBatch, name: object, longest: int) -> None:
        self._batch = batch
        self._name = name
        self._longest = longest
        self._room = MOST_TEXT

    def values(self, place: int) -> list[Any]:
        """Return the values of the column with this index; missing values are None. Raises
        UsageError for texts that are too long."""
        import pyarrow

        found, column = self._batch.column(place), self._batch.schema.names[place]
        if not isinstance(found, pyarrow.DictionaryArray) or not is_text(found.type):
            return _python_values(found)
        places = [place for place in found.indices.unique().to_pylist() if place is not None]
        texts = {place: self._text(column, found.dictionary[place]) for place in places}
        return [texts.get(place) for place in found.indices.to_pylist()]

    def _text(self, column: str, text: pyarrow.Scalar) -> Any:
        if not text.is_valid:
            return None
        size = text.as_buffer().size
        self._room -= size
        if size > self._longest:
            raise UsageError(
                f"{self._name}: a cell of {column} has {size:,} bytes; allowed: up to"
                f" {self._longest:,}"
            )
        if self._room < 0:
            raise UsageError(
                f"{self._name}: the texts of {ROWS_AT_ONCE:,} rows have more than {MOST_TEXT:,}"
                " bytes, the most that are read"
            )
        return text.as_py()


def _python_values(column: pyarrow.Array) -> list[Any]:
    """Convert values to Python's. Times that Python cannot represent or whose zone is unknown
    become None."""
    try:
        return list(column.to_pylist())
    except _NO_VALUE:
        return [_value(cell) for cell in column]


def _value(cell: pyarrow.Scalar) -> Any:
    try:
        return cell.as_py()
    except _NO_VALUE:
        return None
