"""Recordings that are tables (CSV, Parquet): which column is what, and what a row is.

Columns in any case and order: the time (`timestamp`, `datetime`, `date`, `time`, or a first
column without a name), `close` (or `price`), and where they are there `open`, `high`, `low`,
`volume`, `symbol` and the wire's other fields. A row of a day becomes one tick at that day's
nominal close; a row with a time of day becomes one at that time (of the exchange, or UTC in a
table of ticks, unless it has an offset).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, tzinfo
from decimal import Decimal
from typing import Protocol

from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import parse_symbol
from chalicelib.domain.times import to_text
from producer.errors import UsageError
from producer.markets import closing_time, market_of, zone_of
from producer.sources.recording import Unreadable, require_found
from producer.wire import WireTick, decimal_of

_TIMES = ("timestamp", "datetime", "date", "time")
_PRICES = ("price", "close")
_LABELS = ("currency", "exchange_timezone", "market_state", "source")


class Table(Protocol):
    """Rows of text below a header."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def header(self) -> Sequence[str]:
        """Names of the columns."""

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Line number and cells of each row. Raises UsageError when it cannot be read on."""


class Columns:
    """What a table's columns are.

    Raises UsageError when time or price is missing, naming what is there.
    """

    def __init__(self, header: Sequence[str], file: str) -> None:
        names = [name.strip().lower() for name in header]
        self._at = {name: number for number, name in reversed(list(enumerate(names)))}
        self._time = next((self._at[name] for name in _TIMES if name in self._at), None)
        if self._time is None and names and names[0] in ("", "unnamed: 0"):
            self._time = 0
        self._price = next((self._at[name] for name in _PRICES if name in self._at), None)
        if self._time is None or self._price is None:
            needed = "a date column" if self._time is None else "a close column"
            there = ", ".join(name for name in header if name) or "none"
            raise UsageError(f"{file}: {needed} is needed; columns found: {there[:200]}")
        self.has_symbols = "symbol" in self._at
        self.are_ticks = self.has_symbols and "price" in self._at

    def cells(self, row: Sequence[str]) -> Mapping[str, str]:
        """A row's cells by the wire's names; those that are empty are left out."""
        found = {name: row[at].strip() for name, at in self._at.items() if at < len(row)}
        for name, at in (("timestamp", self._time), ("price", self._price)):
            found[name] = row[at].strip() if at is not None and at < len(row) else ""
        return {name: text for name, text in found.items() if text}


class TableRecording:
    """A table, read as it goes where its rows are in the order of time; else all of it is held in
    memory while it is put into that order."""

    def __init__(self, table: Table, symbols: tuple[str, ...]) -> None:
        self._table = table
        self._symbols = symbols
        self.unreadable = Unreadable()
        self._is_sorted: bool | None = None

    def check(self) -> None:
        """Raises UsageError, naming the first bad line when no line is good."""
        found: dict[str, None] = {}
        last, self._is_sorted = "", True
        for tick, _ in self._all():
            found[tick.symbol] = None
            self._is_sorted = self._is_sorted and last <= tick.timestamp
            last = tick.timestamp
        require_found(self._table.name, self._symbols, list(found), self.unreadable)

    def ticks(self) -> Iterator[WireTick]:
        """The ticks of the symbols asked for; a day's previous_close is that of the day before
        in the table, unless the table has the column."""
        closes: dict[str, Decimal] = {}
        for tick, is_day in self._in_order():
            if self._symbols and tick.symbol not in self._symbols:
                continue
            if is_day:
                tick.previous_close = tick.previous_close or closes.get(tick.symbol)
                closes[tick.symbol] = tick.price
            yield tick

    def _in_order(self) -> Iterator[tuple[WireTick, bool]]:
        if self._is_sorted:
            return self._all()
        return iter(sorted(self._all(), key=lambda pair: pair[0].timestamp))

    def _all(self) -> Iterator[tuple[WireTick, bool]]:
        """Ticks by line, and whether each is a whole day's."""
        self.unreadable = Unreadable()
        columns = Columns(self._table.header, self._table.name)
        lone = "" if columns.has_symbols else self._lone_symbol()
        zone = UTC if columns.are_ticks else None
        for number, row in self._table.rows():
            try:
                yield _tick(columns.cells(row), lone, zone)
            except (TickError, ValueError) as error:
                self.unreadable.add(number, error)

    def _lone_symbol(self) -> str:
        if len(self._symbols) != 1:
            raise UsageError(
                f"--symbols: {self._table.name} has no symbol column, "
                "so exactly one symbol is needed"
            )
        return self._symbols[0]


def _tick(cells: Mapping[str, str], lone: str, zone: tzinfo | None) -> tuple[WireTick, bool]:
    symbol = lone or parse_symbol(cells.get("symbol", ""))
    price = decimal_of(cells.get("price"))
    if price is None or price <= 0:
        raise ValueError("the close is missing or not above 0")
    when, is_day = instant_of(cells.get("timestamp", ""), symbol, zone)
    labels = {name: cells[name] for name in _LABELS if name in cells}
    tick = WireTick(
        symbol=symbol,
        timestamp=to_text(when),
        price=price,
        open=decimal_of(cells.get("open")),
        high=decimal_of(cells.get("high")),
        low=decimal_of(cells.get("low")),
        previous_close=decimal_of(cells.get("previous_close")),
        volume=decimal_of(cells.get("volume")),
        currency=labels.get("currency"),
        exchange_timezone=labels.get("exchange_timezone", market_of(symbol).timezone),
        # the regular close, early or not
        market_state=labels.get("market_state", "REGULAR" if is_day else None),
        source=labels.get("source", "replay"),
        mode="replay",
    )
    return tick, is_day


def instant_of(text: str, symbol: str, zone: tzinfo | None) -> tuple[datetime, bool]:
    """The instant of a row, and whether the row is a whole day's.

    Midnight counts as the day unless `zone` says that the rows are ticks. Raises ValueError for
    what is no ISO 8601 date or date-time.
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; allowed: 2026-11-20 and ISO 8601") from None
    if zone is None and given.time() == time():
        return closing_time(symbol, given.date()), True
    if given.tzinfo is None:
        given = given.replace(tzinfo=zone or zone_of(symbol))
    return given.astimezone(UTC), False
