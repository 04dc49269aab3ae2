"""Reads one row of a file: its symbol, time and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

import msgspec

from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import LABELS
from producer.files.layout import Group, Layout
from producer.files.names import FIGURES, symbol_of
from producer.files.numbers import Mark, number_of
from producer.files.times import Order, instant_of
from producer.sources.recording import Unreadable

_ABOVE_ZERO = ("open", "high", "low", "previous_close")
_NONE: Mapping[str, str] = {}


class Row(msgspec.Struct):
    """A symbol's figures at a time. The time is naive if the file names no zone."""

    number: int
    symbol: str
    when: datetime
    price: Decimal
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    volume: Decimal | None
    previous_close: Decimal | None
    labels: Mapping[str, str] = _NONE


class Written(msgspec.Struct, frozen=True):
    """How a file writes dates and numbers: the order of day and month, and the decimal mark."""

    order: Order = "month"
    mark: Mark = "."


class _NoPriceError(ValueError):
    """A row has no price."""

    def __init__(self) -> None:
        super().__init__("the close is missing or not above 0")


class RowReader:
    """Reads rows of cells. `lone` is the symbol of a file that names none.

    `gaps` holds symbol and time of skipped rows that have a price. So the rows before and after a
    skipped row do not count as consecutive.
    """

    def __init__(self, layout: Layout, written: Written, lone: str) -> None:
        self.layout = layout
        self._written = written
        self._lone = lone
        self.gaps: list[tuple[str, datetime]] = []
        self._is_wide = len(layout.groups) > 1 or bool(layout.groups[0].symbol)
        columns = layout.groups[0].at
        self._labels = tuple((name, columns[name]) for name in LABELS if name in columns)

    def rows(self, number: int, cells: Sequence[str], unreadable: Unreadable) -> Iterator[Row]:
        """Yield a row for each symbol of a line. Rows that cannot be read are counted in
        `unreadable`."""
        try:
            when = self.when(cells)
        except ValueError as error:
            unreadable.add(number, error)
            return
        for group in self.layout.groups:
            try:
                row = self._row(number, when, cells, group)
            except _NoPriceError as error:
                unreadable.add(number, error)
            except (TickError, ValueError) as error:
                unreadable.add(number, error)
                self._note_gap(when, cells, group)
            else:
                if row is not None:
                    yield row

    def when(self, cells: Sequence[str]) -> datetime:
        """Return the row's time. Raises ValueError for a cell that is not a date."""
        return instant_of(time_text(self.layout, cells), self._written.order)

    def _row(self, number: int, when: datetime, cells: Sequence[str], group: Group) -> Row | None:
        """Return the row of a group's symbol.

        Return None if a line of several symbols lacks this symbol's price. Raises _NoPriceError
        without a price, TickError or ValueError for an invalid symbol or figure.
        """
        figures = {name: self._figure(cells, group.at.get(name)) for name in FIGURES}
        price = figures["price"]
        if price is None:
            if self._is_wide:
                return None
            raise _NoPriceError
        if price <= 0:
            raise ValueError("the close is missing or not above 0")
        for name in _ABOVE_ZERO:
            value = figures[name]
            figures[name] = value if value is not None and value > 0 else None
        symbol = self._symbol(cells, group)
        labels = {name: text for name, at in self._labels if (text := cell(cells, at))}
        return Row(number, symbol, when, **figures, labels=labels)  # type: ignore[arg-type]

    def _symbol(self, cells: Sequence[str], group: Group) -> str:
        return group.symbol or self._lone or symbol_of(cell(cells, group.at["symbol"]))

    def _note_gap(self, when: datetime, cells: Sequence[str], group: Group) -> None:
        with suppress(TickError):  # a row without a symbol interrupts no symbol's rows
            self.gaps.append((self._symbol(cells, group), when))

    def _figure(self, cells: Sequence[str], at: int | None) -> Decimal | None:
        text = cell(cells, at)
        return number_of(text, self._written.mark) if text else None


def cell(cells: Sequence[str], at: int | None) -> str:
    """Return a cell without surrounding spaces. Return "" if the row is shorter, or if `at` is
    None."""
    return cells[at].strip() if at is not None and at < len(cells) else ""


def time_text(layout: Layout, cells: Sequence[str]) -> str:
    """Return the text of the time column. If it has only a date, the text of the clock column
    follows it."""
    text = cell(cells, layout.time)
    clock = cell(cells, layout.clock)
    return f"{text} {clock}" if clock and ":" not in text else text
