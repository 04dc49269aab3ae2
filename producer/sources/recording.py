"""The interface of recordings, and what all kinds of recordings share."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO, cast

from producer.errors import UsageError
from producer.wire import WireTick


class Unreadable:
    """The number of skipped lines, and the first one with its reason. `repeats` counts readable
    lines that were replaced by a later line of the same time."""

    def __init__(self) -> None:
        self.count = 0
        self.repeats = 0
        self.first = ""

    def add(self, number: int, error: Exception) -> None:
        """Count a skipped line, and keep the reason of the first. `number` is 0 for anything that
        is not a line."""
        self.count += 1
        self.first = self.first or (f"line {number}: {error}" if number else str(error))

    def __bool__(self) -> bool:
        return self.count > 0


MOST_SYMBOLS = 100_000
"""The most symbols of a recording; some state of each is kept to the end. A stage takes 20,000 by
default."""


class Symbols:
    """The symbols of a recording, and how often each symbol occurs. If some symbols are `wanted`,
    only the first MOST_SYMBOLS of the other symbols are counted."""

    def __init__(self, name: str, wanted: Sequence[str] = ()) -> None:
        self._name = name
        self._wanted = frozenset(wanted)
        self._counts: Counter[str] = Counter()

    @property
    def found(self) -> tuple[str, ...]:
        """Return the symbols that were counted."""
        return tuple(self._counts)

    @property
    def total(self) -> int:
        """Return how often the wanted symbols occur. If none are wanted, count all symbols."""
        return sum(self._counts[symbol] for symbol in self._wanted or self._counts)

    def see(self, symbol: str) -> bool:
        """Count the symbol and return whether it is wanted. Raises UsageError for too many
        symbols."""
        is_wanted = not self._wanted or symbol in self._wanted
        if symbol not in self._counts and len(self._counts) >= MOST_SYMBOLS:
            if not self._wanted:
                raise UsageError(
                    f"{self._name}: more than {MOST_SYMBOLS:,} symbols; name some with --symbols"
                )
            if not is_wanted:
                return False
        self._counts[symbol] += 1
        return is_wanted


class Recording(Protocol):
    """A recording: ticks and bars that can be replayed."""

    @property
    def unreadable(self) -> Unreadable:
        """Return the lines that the last reading skipped."""

    @property
    def notes(self) -> Sequence[str]:
        """Return what users should know about the result of `check`, one line per fact."""

    @property
    def total(self) -> int | None:
        """Return the number of ticks that `check` has counted. Return None before `check`, or if
        `check` does not count ticks."""

    def check(self) -> None:
        """Raise UsageError if nothing in the recording can be replayed. Reads files as a whole."""

    def ticks(self) -> Iterator[WireTick]:
        """Yield the ticks with their recorded source. Their mode is `replay` if their alerts are to
        be sent, else `backfill`. Bars and actions always have mode `backfill`."""


def open_text(path: Path, encoding: str = "utf-8-sig") -> TextIO:
    """Open the file as text, unpacked if its name ends in .gz. Raises UsageError if that fails."""
    return TextIOWrapper(open_bytes(path), encoding, newline="")


def open_bytes(path: Path) -> BinaryIO:
    """Open the file as bytes, unpacked if its name ends in .gz. Raises UsageError if that fails."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        return cast(BinaryIO, opened(path, "rb"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def require_found(
    path: Path | str, wanted: Sequence[str], found: Sequence[str], unreadable: Unreadable
) -> None:
    """Raise UsageError if the file lacks a requested symbol or has no ticks."""
    if not found and unreadable:
        raise UsageError(f"{path}: {unreadable.first}")
    if not found:
        raise UsageError(f"{path}: there is no row that can be replayed")
    missing = [symbol for symbol in wanted if symbol not in found]
    if missing:
        there = ", ".join(sorted(found)[:10]) or "none"
        raise UsageError(f"--symbols: {path} has no {', '.join(missing)}; it has: {there}")
