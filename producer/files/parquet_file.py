"""Reads Parquet files as rows of text. Numbers become their shortest text; times become ISO
8601."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from producer.files import bounded
from producer.files.bounded_parquet import Piece, batches, is_cell, open_file

_INDEX = "__index_level_0__"


class ParquetFile:
    """Reads a Parquet file in pieces.

    Row 0 is the header. pandas writes an index without a name last; it is moved to the front.
    Columns of lists and other nested types are skipped. Raises UsageError for a file that is not
    Parquet.
    """

    decimal_comma = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open_file(path, path)
        self._names = [field.name for field in self._file.schema_arrow if is_cell(field.type)]
        places = range(len(self._names))
        self._order = sorted(places, key=lambda place: self._names[place] != _INDEX)
        names = (self._names[place] for place in self._order)
        self._header = ["" if name == _INDEX else name for name in names]

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """See Grid.rows. The first row of data has number 1."""
        yield 0, self._header
        number = 0
        for piece in batches(self._file, self._names, self.path):
            cells = Piece(piece, self.path, bounded.LONGEST_LINE)
            columns = [map(_text, cells.values(place)) for place in self._order]
            for row in zip(*columns, strict=True):
                number += 1
                yield number, row


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _utc(value).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _utc(value: datetime) -> datetime:
    """Convert a time with a zone to UTC. At the ends of the calendar, where no price lies, drop the
    zone."""
    try:
        return value if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return value.replace(tzinfo=None)
