"""What a recording is, and what all kinds of it share."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from producer.errors import UsageError
from producer.wire import WireTick


class Unreadable:
    """Lines that were passed over: how many, and the first of them with its reason.

    `repeats` counts the readable ones in whose place a later line of the same time was taken.
    """

    def __init__(self) -> None:
        self.count = 0
        self.repeats = 0
        self.first = ""

    def add(self, number: int, error: Exception) -> None:
        """One more line, or with number 0 something else."""
        self.count += 1
        self.first = self.first or (f"line {number}: {error}" if number else str(error))

    def __bool__(self) -> bool:
        return self.count > 0


MOST_SYMBOLS = 100_000
"""Of a recording; of each, something is kept to the end. A stage takes 20,000 unless told."""


class Symbols:
    """The symbols of a recording and how often each occurs. Where some are `wanted`, only the
    first MOST_SYMBOLS of the others are counted."""

    def __init__(self, name: str, wanted: Sequence[str] = ()) -> None:
        self._name = name
        self._wanted = frozenset(wanted)
        self._counts: Counter[str] = Counter()

    @property
    def found(self) -> tuple[str, ...]:
        """The symbols that were counted."""
        return tuple(self._counts)

    @property
    def total(self) -> int:
        """How often the wanted symbols occur, or all of them."""
        return sum(self._counts[symbol] for symbol in self._wanted or self._counts)

    def see(self, symbol: str) -> bool:
        """Count the symbol and say whether it is wanted. Raises UsageError at one too many."""
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
    """Ticks that were recorded, in the order of time."""

    @property
    def unreadable(self) -> Unreadable:
        """What the last reading passed over."""

    @property
    def notes(self) -> Sequence[str]:
        """What people should know of it once it was checked, a line each."""

    @property
    def total(self) -> int | None:
        """How many ticks there are, once `check` has counted them; None where it does not."""

    def check(self) -> None:
        """Read it all. Raises UsageError when nothing in it can be replayed."""

    def ticks(self) -> Iterator[WireTick]:
        """The ticks, with mode `replay` and the source they were recorded with."""


def open_text(path: Path) -> TextIO:
    """The file as text, unpacked where its name ends in .gz. Raises UsageError."""
    try:
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def require_found(
    path: Path | str, wanted: Sequence[str], found: Sequence[str], unreadable: Unreadable
) -> None:
    """Raises UsageError when the file lacks a symbol that was asked for, or has no tick."""
    if not found and unreadable:
        raise UsageError(f"{path}: {unreadable.first}")
    if not found:
        raise UsageError(f"{path}: there is no row that can be replayed")
    missing = [symbol for symbol in wanted if symbol not in found]
    if missing:
        there = ", ".join(sorted(found)[:10]) or "none"
        raise UsageError(f"--symbols: {path} has no {', '.join(missing)}; it has: {there}")
