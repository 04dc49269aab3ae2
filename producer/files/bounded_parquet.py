"""Parquet in pieces that fit into memory, however small the file is.

A kilobyte of Parquet may hold one long text in a dictionary and a million references to it. So
texts are left in their dictionaries, few rows are taken at once, and a column that unpacks to more
than MOST_UNPACKED bytes by the file's own account is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from producer.errors import UsageError

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

MOST_UNPACKED = 1 << 28
"""Bytes of a column in one row group; writers' row groups are smaller as a whole."""

ROWS_AT_ONCE = 4096

MOST_TEXT = 1 << 26
"""Bytes of the texts of so many rows: 16 KB a row, where all differ."""


@contextmanager
def told(name: object) -> Iterator[None]:
    """Raises UsageError for what pyarrow cannot read."""
    import pyarrow

    try:
        yield
    except (OSError, MemoryError, pyarrow.ArrowException) as error:
        reason = next(iter(str(error).splitlines()), "")
        raise UsageError(f"{name}: cannot be read as Parquet: {reason}") from error


def open_file(path: Path, name: object) -> pyarrow.parquet.ParquetFile:
    """A file whose texts come as dictionaries. Raises UsageError, which calls the file `name`."""
    import pyarrow.parquet

    with told(name):
        plain = pyarrow.parquet.ParquetFile(path)
        _check_sizes(plain.metadata, name)
        texts = [field.name for field in plain.schema_arrow if is_text(field.type)]
        return pyarrow.parquet.ParquetFile(path, read_dictionary=texts)


def _check_sizes(metadata: Any, name: object) -> None:
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            if column.total_uncompressed_size > MOST_UNPACKED:
                raise UsageError(
                    f"{name}: column {column.path_in_schema} has {column.total_uncompressed_size:,}"
                    f" bytes in row group {group}; allowed: up to {MOST_UNPACKED:,}"
                )


def is_text(kind: pyarrow.DataType) -> bool:
    """Whether values of a type have any length."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    )


def is_cell(kind: pyarrow.DataType) -> bool:
    """Whether a value of a type can be a cell: lists and the like cannot."""
    from pyarrow import types

    return not (types.is_nested(kind) or types.is_fixed_size_binary(kind))


def batches(
    file: pyarrow.parquet.ParquetFile, columns: Sequence[str], name: object
) -> Iterator[pyarrow.RecordBatch]:
    """The columns, few rows at once. Raises UsageError where the file breaks off."""
    with told(name):
        yield from file.iter_batches(ROWS_AT_ONCE, columns=list(columns))


class Piece:
    """The columns of a few rows. Each text is made once, however many rows refer to it, and none
    has more than `longest` bytes, nor all of them together more than MOST_TEXT."""

    def __init__(self, batch: pyarrow.RecordBatch, name: object, longest: int) -> None:
        self._batch = batch
        self._name = name
        self._longest = longest
        self._room = MOST_TEXT

    def values(self, place: int) -> list[Any]:
        """The values of the column at a place. Raises UsageError for texts that are too long."""
        import pyarrow

        found, column = self._batch.column(place), self._batch.schema.names[place]
        if not isinstance(found, pyarrow.DictionaryArray) or not is_text(found.type):
            return list(found.to_pylist())
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
