"""Reads a price file as a recording. A first pass detects the file's format, a second yields its
rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import groupby, islice
from threading import Event

from chalicelib.domain.times import to_text
from producer.errors import UsageError
from producer.files.asked import Asked
from producer.files.clocks import Clock
from producer.files.folding import SECONDS, STORED, Part, targets_of, with_folded
from producer.files.layout import Grid, Layout, layout_of
from producer.files.names import is_named_by_symbol, symbol_of_file
from producer.files.rows import Row, RowReader, Written
from producer.files.shapes import shape_of
from producer.files.survey import Kind, Spacing, Spelling, seen, zone_named
from producer.sources.recording import Symbols, Unreadable, require_found
from producer.sources.sortable import check_skipped, check_sortable, in_order
from producer.wire import WireTick

_Order = Callable[[Row], tuple[str, datetime]]


class FileRecording:
    """The prices of a file.

    Rows in time order are streamed; others are held in memory and sorted. `alone` says that the
    user named the file; its name then counts as a symbol only if it looks like one. Once `stop` is
    set, rows that need sorting are not yielded.
    """

    def __init__(
        self,
        grid: Grid,
        asked: Asked,
        *,
        alone: bool = True,
        stop: Event | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._grid = grid
        self._asked = asked
        self._alone = alone
        self._stop = stop
        self._now = now
        self._wanted = frozenset(asked.symbols)
        self._surveyed: tuple[Layout, Written, Spacing, Kind] | None = None
        self.name = grid.path.name
        self.unreadable = Unreadable()
        self.notes: list[str] = []
        self.found: tuple[str, ...] = ()
        self.total: int | None = None

    def check(self) -> None:
        """Read the file to detect its format. If no line is valid, raise UsageError, which names
        the first invalid line."""
        self._survey()

    @property
    def kind(self) -> Kind:
        """Return what the file's rows are."""
        return self._survey()[3]

    @property
    def span(self) -> tuple[str, str] | None:
        """See Readable.span."""
        _, _, spacing, kind = self._survey()
        if spacing.span is None or not self._folded_length(kind):
            return None
        first, last = spacing.span
        return to_text(first), to_text(last)

    def ticks(self) -> Iterator[WireTick]:
        """Yield the ticks or bars of the requested symbols, and the coarser bars made from them.
        Each symbol's ticks and bars are in time order."""
        return with_folded(self.parts(), self._now())

    def parts(self, *, by_time: bool = False) -> Iterator[Part]:
        """See Readable.parts."""
        layout, written, spacing, kind = self._survey()
        shape = shape_of(kind, spacing, self._asked)
        length = self._folded_length(kind)
        self.unreadable = Unreadable()
        rows = self._read(self._reader(layout, written), self._is_wanted)
        order = self._order(spacing, by_time)
        if not spacing.is_sorted:
            rows = iter(in_order(rows, order, self._stop))
        return ((tick, length) for tick in self._shaped(self._latest(rows, order), shape))

    def _order(self, spacing: Spacing, by_time: bool) -> _Order:
        """Return the sort order of rows. Rows are sorted by time. Without `by_time`, history that
        has to be sorted goes by symbol first, so that bars of a symbol share large records."""
        by_symbol = self._asked.history and not by_time and not spacing.is_sorted

        def key(row: Row) -> tuple[str, datetime]:
            return row.symbol if by_symbol else "", spacing.instant_of(row)

        return key

    def _latest(self, rows: Iterator[Row], order: _Order) -> Iterator[Row]:
        """Yield the last of each symbol's rows that share a time; count the rows left out."""
        for _, together in groupby(rows, key=order):
            latest: dict[str, Row] = {}
            for row in together:
                self.unreadable.repeats += row.symbol in latest
                latest[row.symbol] = row
            yield from latest.values()

    def _shaped(self, rows: Iterator[Row], shape: Callable[[Row], WireTick]) -> Iterator[WireTick]:
        for row in rows:
            try:
                tick = shape(row)
            except ValueError as error:
                self.unreadable.add(row.number, error)
            else:
                yield tick

    def _folded_length(self, kind: Kind) -> int:
        """Return the length in seconds of the bars to fold; 0 if there are no such bars."""
        return kind.seconds if kind.name == "bars" and self._asked.rows_as != "ticks" else 0

    def _is_wanted(self, symbol: str) -> bool:
        return not self._wanted or symbol in self._wanted

    def _reader(self, layout: Layout, written: Written) -> RowReader:
        return RowReader(layout, written, "" if layout.has_symbols else self._lone_symbol())

    def _read(self, reader: RowReader, is_wanted: Callable[[str], bool]) -> Iterator[Row]:
        clock = Clock(zone_named(self._asked.timezone, reader.layout))
        for number, cells in islice(self._grid.rows(), reader.layout.header, None):
            for row in reader.rows(number, cells, self.unreadable):
                if is_wanted(row.symbol):
                    clock.put(row)
                    yield row
            check_skipped(self._grid.path, len(reader.gaps))

    def _survey(self) -> tuple[Layout, Written, Spacing, Kind]:
        if self._surveyed is None:
            layout = layout_of(self._grid)
            spelling = seen(layout, islice(self._grid.rows(), layout.header, None))
            written = spelling.written(
                day_first=self._asked.day_first, decimal_comma=self._grid.decimal_comma
            )
            spacing = self._spacing(layout, written)
            kind = self._kind_of(layout, spelling, spacing)
            self._surveyed = layout, written, spacing, kind
            self._note(layout, spelling, kind)
        return self._surveyed

    def _spacing(self, layout: Layout, written: Written) -> Spacing:
        spacing = Spacing(zone_named(self._asked.timezone, layout))
        symbols = Symbols(str(self._grid.path), self._asked.symbols)
        reader = self._reader(layout, written)
        for row in self._read(reader, symbols.see):
            spacing.see(row)
        spacing.see_gaps(reader.gaps)
        self.found, self.total = symbols.found, symbols.total
        require_found(self._grid.path, self._asked.symbols, self.found, self.unreadable)
        if not spacing.is_sorted:
            check_sortable(self._grid.path, self.total)
        return spacing

    def _lone_symbol(self) -> str:
        """Return the symbol of a file that names none. Raises UsageError if neither the options nor
        the file's name tell the symbol."""
        asked, path = self._asked.symbols, self._grid.path
        if self._alone and len(asked) == 1:
            return asked[0]
        if not self._alone or is_named_by_symbol(path):
            named = symbol_of_file(path)
            if named is not None:
                return named
        raise UsageError(f"--symbols: {path} has no symbol column, so exactly one symbol is needed")

    def _kind_of(self, layout: Layout, spelling: Spelling, spacing: Spacing) -> Kind:
        """Decide what the rows are. Raises UsageError if the rows are ambiguous or unsupported."""
        kind = self._recognised(layout, spelling, spacing)
        if kind.name == "days" and spacing.smallest_is_a_week and self._asked.bar is None:
            raise UsageError(
                f"{self._grid.path}: its rows are weeks or months apart; allowed: rows of a day, "
                "an hour or less, or --bar 1d if they are days all the same"
                + self._order_hint(spelling)
            )
        if self._asked.rows_as == "bars" and kind.name == "ticks":
            raise UsageError(
                f"--as bars: {self._grid.path} has no open, high, low and close columns"
            )
        return kind

    def _order_hint(self, spelling: Spelling) -> str:
        if not spelling.is_order_open:
            return ""
        read, flag = ("day", "without") if self._asked.day_first else ("month", "with")
        return (
            f". Dates like {spelling.example} were read {read} first, since none in the file "
            f"tells; try it {flag} --day-first"
        )

    def _recognised(self, layout: Layout, spelling: Spelling, spacing: Spacing) -> Kind:
        if self._asked.bar is not None:
            seconds = SECONDS[self._asked.bar]
            return Kind("days") if seconds == SECONDS["1d"] else Kind("bars", seconds)
        if spacing.at_midnight and not (layout.are_ticks and spelling.has_clock):
            return Kind("days")
        if not layout.has_bars:
            return Kind("ticks")
        if spacing.smallest_is_a_day:
            return Kind("days")
        if spacing.seconds is None:
            raise UsageError(
                f"{self._grid.path}: too few rows to tell how long its bars are; "
                "give --bar 1m, 1h or 1d, or --as ticks"
            )
        return Kind("bars", spacing.seconds)

    def _note(self, layout: Layout, spelling: Spelling, kind: Kind) -> None:
        """Add the facts that users should know about the file to its notes, one line each."""
        self.notes = [f"{self._grid.path.name}: {self._described(layout, kind)}"]
        if spelling.is_order_open:
            first = "day" if self._asked.day_first else "month"
            other = "" if self._asked.day_first else " (--day-first reads the day first)"
            self.notes.append(
                f"{self._grid.path.name}: dates like {spelling.example} are read {first} first, "
                f"since none in the file tells{other}"
            )

    def _described(self, layout: Layout, kind: Kind) -> str:
        wanted = [symbol for symbol in self.found if symbol in (self._asked.symbols or self.found)]
        names = ", ".join(wanted[:3]) + (", ..." if len(wanted) > 3 else "")
        text = f"{self.total:,} rows of {kind.words} of {names}"
        if kind.name == "days" and self._asked.history:
            text = f"{self.total:,} rows of 1d bars of {names}"
            return text if layout.has_bars else f"{text}; open, high and low are the close"
        if kind.name == "bars" and self._asked.rows_as == "ticks":
            return f"{text}, sent as ticks"
        if kind.name == "bars" and kind.seconds not in STORED:
            made = " and ".join(targets_of(kind.seconds))
            return f"{text}, stored as {made} (stored bars are 1m, 1h and 1d)"
        return text
