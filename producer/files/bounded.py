"""Limits the length of a text file's lines and rows.

A megabyte of gzip unpacks to a gigabyte. A file without line breaks is a single line that would
have to fit into memory. So is a row of CSV whose line breaks are all within quotes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from producer.errors import UsageError

LONGEST_LINE = 1 << 20
"""The most characters of a line with its end: enough for thousands of columns, or ten thousand
ticks in an array."""


def lines(file: TextIO, path: Path) -> Iterator[str]:
    """Yield the lines of a file with their line ends. Raises UsageError for a line above
    LONGEST_LINE."""
    number = 1
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise UsageError(
                f"{path}: line {number} has more than {LONGEST_LINE:,} characters; one tick or row"
                " a line is read"
            )
        yield line
        number += 1


class RowLines:
    """The lines of a file for a CSV reader, which may read several lines for one row. The caller
    calls `row_ends` after each row. Raises UsageError for a row above LONGEST_LINE."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self._lines = lines(file, path)
        self._path = path
        self._left = LONGEST_LINE

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._left -= len(line)
        if self._left < 0:
            raise UsageError(
                f"{self._path}: a row has more than {LONGEST_LINE:,} characters; a quotation mark"
                " may be missing"
            )
        return line

    def row_ends(self) -> None:
        """Record that the next line begins another row."""
        self._left = LONGEST_LINE
