"""Lines of a text file, none of which may grow without end.

A megabyte of gzip unpacks to a gigabyte, and a file without line breaks is a single line, which
would have to fit into memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from producer.errors import UsageError

LONGEST_LINE = 1 << 20
"""Characters of a line with its end: thousands of columns, or ten thousand ticks in an array."""


def lines(file: TextIO, path: Path) -> Iterator[str]:
    """The lines of a file with their ends. Raises UsageError at one above LONGEST_LINE."""
    number = 1
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise UsageError(
                f"{path}: line {number} has more than {LONGEST_LINE:,} characters; one tick or row"
                " a line is read"
            )
        yield line
        number += 1
