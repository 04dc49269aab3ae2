"""What CSV and Parquet files share: rows of cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol


class Grid(Protocol):
    """Rows of text, including the header's."""

    @property
    def path(self) -> Path:
        """Return the file."""

    @property
    def decimal_comma(self) -> bool:
        """Return whether a comma is the likelier decimal mark if no cell shows it."""

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the line number and cells of each row that is not empty. Raises UsageError if the
        file cannot be read."""
