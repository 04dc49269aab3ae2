"""Detects what each column of a file holds.

Lines of other text may precede the header. The header may have several lines: yfinance writes one
for fields, one for symbols and one for the index's name. A file of several symbols has a symbol
column, or columns for each symbol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec

from producer.errors import UsageError
from producer.files.names import FIELDS, OTHERS, UNNAMED, field_of, is_symbol, pair_of, plain


class Grid(Protocol):
    """A file as rows of text. The header's rows are included."""

    @property
    def path(self) -> Path:
        """Return the path of the file."""

    @property
    def decimal_comma(self) -> bool:
        """Return whether the decimal mark is likely a comma, for files whose cells do not show
        it."""

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the line number and cells of each row that is not empty. Raises UsageError if the
        file cannot be read."""


MOST_LINES = 20
"""Number of lines searched for the header."""


class Group(msgspec.Struct, frozen=True):
    """The columns of one symbol, by field. If `symbol` is empty, they are the columns of all
    rows."""

    symbol: str
    at: Mapping[str, int]

    @property
    def has_bars(self) -> bool:
        """Return whether the columns include open, high, low and close."""
        return {"open", "high", "low", "price"} <= self.at.keys()


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of a file's columns.

    `header` counts the rows before the data. `clock` is a column of times beside a column of dates.
    `is_utc`: the time column's name says UTC. `are_ticks`: by its column names each row is one
    tick, as Ticktape exports them.
    """

    header: int
    time: int
    clock: int | None = None
    groups: tuple[Group, ...]
    is_utc: bool = False
    are_ticks: bool = False

    @property
    def has_symbols(self) -> bool:
        """Return whether the file itself names the symbols."""
        return bool(self.groups[0].symbol) or "symbol" in self.groups[0].at

    @property
    def has_bars(self) -> bool:
        """Return whether rows have the columns that bars need."""
        return self.groups[0].has_bars and not self.are_ticks


def layout_of(grid: Grid) -> Layout:
    """Return a file's layout. Raises UsageError if time or price is missing; the message names the
    columns that were found."""
    rows = [list(row) for _, row in islice(grid.rows(), MOST_LINES)]
    for at in range(len(rows)):
        found = _levels(rows, at) or _flat(rows[at], at)
        if found is not None:
            return found
    header = max(rows, key=_known, default=[])
    there = ", ".join(name for name in header if name) or "none"
    needed = "a close column" if _time_of(header) is not None else "a date column"
    raise UsageError(f"{grid.path}: {needed} is needed; columns found: {there[:200]}")


def _known(row: Sequence[str]) -> int:
    return sum(field_of(name) is not None for name in row)


def _flat(header: Sequence[str], at: int) -> Layout | None:
    """Parse a header of one line; return None if the line is not a header."""
    names = [plain(name) for name in header]
    time = _time_of(header)
    columns = _columns(names)
    if time is None:
        return None
    if "price" in columns:
        is_date = names[time] not in ("time", "timestamp", "datetime", *UNNAMED)
        clock = names.index("time") if "time" in names and is_date else None
        return Layout(
            header=at + 1,
            time=time,
            clock=clock,
            groups=(Group("", columns),),
            is_utc=any(zone in header[time].lower() for zone in ("gmt", "utc")),
            are_ticks=names[columns["price"]] == "price" and "symbol" in columns,
        )
    groups = _paired(header, time) or _symbols_alone(header, time)
    return Layout(header=at + 1, time=time, groups=groups) if groups else None


def _time_of(header: Sequence[str]) -> int | None:
    names = [plain(name) for name in header]
    for name in FIELDS["time"]:
        if name in names:
            return names.index(name)
    return 0 if names and names[0] in UNNAMED and len(names) > 1 else None


def _columns(names: Sequence[str]) -> dict[str, int]:
    found = {}
    for field, known in FIELDS.items():
        name = next((name for name in known if name in names), None)
        if name is not None and field != "time":
            found[field] = names.index(name)
    units = [at for at, name in enumerate(names) if name.startswith("volume ")]
    if units:
        found.setdefault("volume", units[0])
    return found


def _paired(header: Sequence[str], time: int) -> tuple[Group, ...]:
    """Return the groups of columns named by a field and a symbol. Return no groups if other columns
    exist."""
    pairs = [(at, pair_of(name)) for at, name in enumerate(header) if at != time and name]
    return _grouped([(at, pair) for at, pair in pairs if pair]) if all(p for _, p in pairs) else ()


def _symbols_alone(header: Sequence[str], time: int) -> tuple[Group, ...]:
    """Return the groups of columns that are named by symbols alone and hold closes. Return no
    groups if other columns exist."""
    others = [(at, name) for at, name in enumerate(header) if at != time]
    if not others or not all(is_symbol(name) and field_of(name) is None for _, name in others):
        return ()
    return tuple(Group(symbol, {"price": at}) for at, symbol in others)


def _levels(rows: Sequence[Sequence[str]], at: int) -> Layout | None:
    """Parse a header with a line of fields and a line of symbols, in either order. Return None if
    the lines are no such header."""
    if at + 1 >= len(rows) or len(rows[at]) != len(rows[at + 1]) or len(rows[at]) < 2:
        return None
    first, second = rows[at][1:], rows[at + 1][1:]
    if _are_fields(first) and all(map(is_symbol, second)):
        fields, symbols = first, second
    elif _are_fields(second) and all(map(is_symbol, first)):
        fields, symbols = second, first
    else:
        return None
    pairs = [(field_of(field) or "other", symbol) for field, symbol in zip(fields, symbols)]  # noqa: B905
    groups = _grouped(list(enumerate(pairs, 1)))
    below = rows[at + 2] if at + 2 < len(rows) else []
    names_index = bool(below) and not any(below[1:])
    return Layout(header=at + 2 + names_index, time=0, groups=groups) if groups else None


def _are_fields(names: Sequence[str]) -> bool:
    return all(field_of(name) or plain(name) in OTHERS for name in names)


def _grouped(pairs: Sequence[tuple[int, tuple[str, str]]]) -> tuple[Group, ...]:
    """Group columns by symbol. Return no groups if a symbol lacks a price."""
    by_symbol: dict[str, dict[str, int]] = {}
    for at, (field, symbol) in pairs:
        by_symbol.setdefault(symbol, {}).setdefault(field, at)
    if not all("price" in columns for columns in by_symbol.values()):
        return ()
    return tuple(Group(symbol, columns) for symbol, columns in by_symbol.items())
