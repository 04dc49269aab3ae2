"""What CSV and Parquet files have in common: rows of cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol


class Grid(Protocol):
    """Rows of text, those of the header among them."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def decimal_comma(self) -> bool:
        """Whether a comma is the likelier decimal mark where nothing shows it."""

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Line number and cells of each row that is not empty. Raises UsageError when it cannot
        be read on."""
