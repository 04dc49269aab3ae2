"""Sorts the rows of users' own files by time, in memory, and refuses files with too many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from threading import Event
from typing import Any, TypeVar

from producer.errors import UsageError

MOST_ROWS = 2_500_000
"""The most rows that are sorted: minute bars of 25 years, at 900 bytes each."""

MOST_SKIPPED = 2_500_000
"""The most skipped rows whose times are kept, at 170 bytes each."""

_Row = TypeVar("_Row")


def check_sortable(name: object, rows: int) -> None:
    """Raise UsageError if there are more than MOST_ROWS rows to sort."""
    if rows > MOST_ROWS:
        raise UsageError(
            f"{name}: {rows:,} rows that are not in the order of time; allowed: up to"
            f" {MOST_ROWS:,}; sort them by time, or name some symbols with --symbols"
        )


def check_skipped(name: object, rows: int) -> None:
    """Raise UsageError if more than MOST_SKIPPED rows were skipped."""
    if rows > MOST_SKIPPED:
        raise UsageError(
            f"{name}: more than {MOST_SKIPPED:,} rows have a figure that cannot be read; correct"
            " the file, or split it"
        )


def in_order(rows: Iterable[_Row], key: Callable[[_Row], Any], stop: Event | None) -> list[_Row]:
    """Return the rows in the order of their keys; an empty list once `stop` is set. Rows with the
    same key keep their order."""
    held: list[tuple[Any, _Row]] = []
    for row in rows:
        if stop is not None and stop.is_set():
            return []
        held.append((key(row), row))
    held.sort(key=itemgetter(0))
    return [row for _, row in held]
