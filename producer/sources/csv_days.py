"""CSV of prices by days (or finer), as Yahoo, pandas and spreadsheets write them.

Columns in any case and order: the time (`date`, `datetime`, `time`, `timestamp`, or a first
column without a name), `close` (or `price`), and where they are there `open`, `high`, `low`,
`volume`, `symbol`. A row of a day becomes one tick at that day's nominal close; a row with a time
of day becomes one at that time (of the exchange, unless it has an offset).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import msgspec

from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import parse_symbol
from chalicelib.domain.times import to_text
from producer.errors import UsageError
from producer.markets import closing_time, timezone_of, zone_of
from producer.sources.recording import Unreadable, open_text, require_found
from producer.wire import WireTick, decimal_of

_TIMES = ("timestamp", "datetime", "date", "time", "")
_PRICES = ("close", "price")


class Columns(msgspec.Struct, frozen=True):
    """Where a header names what; -1 for what it lacks."""

    time: int
    price: int
    open: int
    high: int
    low: int
    volume: int
    symbol: int


def columns_of(header: list[str], path: Path) -> Columns:
    """Raises UsageError when time or price is missing, naming what is there."""
    names = [name.strip().lower() for name in header]
    at = {name: names.index(name) for name in names}
    when = next((at[name] for name in _TIMES if name and name in at), None)
    if when is None and names and names[0] in ("", "unnamed: 0"):
        when = 0
    price = next((at[name] for name in _PRICES if name in at), None)
    if when is None or price is None:
        needed = "a date column" if when is None else "a close column"
        there = ", ".join(name for name in header if name) or "none"
        raise UsageError(f"{path}: {needed} is needed; columns found: {there[:200]}")
    rest = {name: at.get(name, -1) for name in ("open", "high", "low", "volume", "symbol")}
    return Columns(time=when, price=price, **rest)


class Recording:
    """A CSV file. All of it is held in memory while it is put into the order of time."""

    def __init__(self, path: Path, symbols: tuple[str, ...]) -> None:
        self._path = path
        self._symbols = symbols
        self.unreadable = Unreadable()

    def check(self) -> None:
        """Raises UsageError, naming the first bad line when no line is good."""
        found = dict.fromkeys(tick.symbol for tick in self._all())
        require_found(self._path, self._symbols, list(found), self.unreadable)

    def ticks(self) -> Iterator[WireTick]:
        """The ticks of the symbols asked for; previous_close is the day before's in the file."""
        closes: dict[str, Decimal] = {}
        rows = sorted(self._all(), key=lambda tick: tick.timestamp)
        for tick in rows:
            if self._symbols and tick.symbol not in self._symbols:
                continue
            if tick.bar == "1d":
                tick.previous_close = closes.get(tick.symbol)
                closes[tick.symbol] = tick.price
                tick.bar = None
            yield tick

    def _all(self) -> Iterator[WireTick]:
        """Ticks by line; those of whole days are marked by `bar`."""
        self.unreadable = Unreadable()
        with open_text(self._path) as file:
            reader = csv.reader(file)
            try:
                columns = columns_of(next(reader, []), self._path)
                lone = self._lone_symbol(columns)
                for row in reader:
                    if row:
                        yield from self._ticks_of(row, columns, lone, reader.line_num)
            except (UnicodeDecodeError, csv.Error, OSError, EOFError) as error:
                raise UsageError(f"{self._path}: cannot be read as CSV: {error}") from error

    def _lone_symbol(self, columns: Columns) -> str:
        if columns.symbol >= 0:
            return ""
        if len(self._symbols) != 1:
            raise UsageError(
                f"--symbols: {self._path} has no symbol column, so exactly one symbol is needed"
            )
        return self._symbols[0]

    def _ticks_of(
        self, row: list[str], columns: Columns, lone: str, number: int
    ) -> Iterator[WireTick]:
        try:
            yield _tick(row, columns, lone or parse_symbol(_cell(row, columns.symbol)))
        except (TickError, ValueError, IndexError) as error:
            self.unreadable.add(number, error)


def _cell(row: list[str], at: int) -> str:
    return row[at].strip() if 0 <= at < len(row) else ""


def _tick(row: list[str], columns: Columns, symbol: str) -> WireTick:
    price = decimal_of(_cell(row, columns.price))
    if price is None or price <= 0:
        raise ValueError("the close is missing or not above 0")
    when, whole_day = instant_of(_cell(row, columns.time), symbol)
    return WireTick(
        symbol=symbol,
        timestamp=to_text(when),
        price=price,
        open=decimal_of(_cell(row, columns.open)),
        high=decimal_of(_cell(row, columns.high)),
        low=decimal_of(_cell(row, columns.low)),
        volume=decimal_of(_cell(row, columns.volume)),
        exchange_timezone=timezone_of(symbol),
        market_state="REGULAR" if whole_day else None,  # the regular close, early or not
        source="replay",
        mode="replay",
        bar="1d" if whole_day else None,
    )


def instant_of(text: str, symbol: str) -> tuple[datetime, bool]:
    """The instant of a row, and whether the row is a whole day's.

    Midnight counts as the day. Raises ValueError for what is no ISO 8601 date or date-time.
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; allowed: 2026-11-20 and ISO 8601") from None
    if given.time() == time():
        return closing_time(symbol, given.date()), True
    if given.tzinfo is None:
        given = given.replace(tzinfo=zone_of(symbol))
    return given.astimezone(UTC), False
