"""Parquet files, as rows of text: numbers by their shortest text, times in ISO 8601."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from producer.errors import UsageError

_INDEX = "__index_level_0__"


class ParquetFile:
    """Reads a file in pieces; an index without a name, which pandas writes last, comes first.

    Row 0 is the header. Raises UsageError for a file that is no Parquet.
    """

    decimal_comma = False

    def __init__(self, path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        self.path = path
        try:
            self._file = pyarrow.parquet.ParquetFile(path)
        except (OSError, pyarrow.ArrowException) as error:
            reason = str(error).splitlines()[0]
            raise UsageError(f"{path}: cannot be read as Parquet: {reason}") from error
        names = self._file.schema_arrow.names
        self._order = sorted(range(len(names)), key=lambda at: names[at] != _INDEX)
        self._header = ["" if names[at] == _INDEX else names[at] for at in self._order]

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """See Grid; rows count from 1."""
        yield 0, self._header
        number = 0
        for piece in self._file.iter_batches():
            columns = [piece.columns[at].to_pylist() for at in self._order]
            for row in zip(*columns, strict=True):
                number += 1
                yield number, [_text(value) for value in row]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
