"""CSV files, also .gz, as Yahoo, pandas and spreadsheets write them."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from producer.errors import UsageError
from producer.sources.recording import open_text
from producer.sources.tables import Table, TableRecording

_UNREADABLE = (UnicodeDecodeError, csv.Error, OSError, EOFError, zlib.error)


class CsvTable:
    """A CSV file with a header."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self.header = next((row for _, row in self._read()), [])

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """All lines but the first; empty ones are left out."""
        for number, row in self._read():
            if number > 1 and row:
                yield number, row

    def _read(self) -> Iterator[tuple[int, list[str]]]:
        with open_text(self._path) as file:
            reader = csv.reader(file)
            try:
                for row in reader:
                    yield reader.line_num, row
            except _UNREADABLE as error:
                raise UsageError(f"{self._path}: cannot be read as CSV: {error}") from error


def open_csv(path: Path, symbols: tuple[str, ...]) -> TableRecording:
    """The recording in a CSV file."""
    table: Table = CsvTable(path)
    return TableRecording(table, symbols)
