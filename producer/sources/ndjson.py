"""Replays recorded wire ticks: JSON, one object per line, in a plain or a .gz file."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import msgspec

from chalicelib.domain.errors import TickError, UnreadableError
from chalicelib.domain.ticks import NUMBERS, parse_symbol
from chalicelib.domain.times import from_text, to_text
from chalicelib.domain.wire_actions import ActionFields, action_fields, to_action
from producer.errors import UsageError
from producer.files.asked import REPLAY, Asked
from producer.files.bounded import lines
from producer.files.folding import SECONDS, Part, with_folded
from producer.sources.recording import Symbols, Unreadable, open_text, require_found
from producer.sources.sortable import check_sortable, in_order
from producer.wire import WireTick, decimal_of, decode, tick_of_action
from producer.years import plausible

_NAMES = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz", ".json.gz")
_REPLAY = Asked()


def is_ndjson(path: Path) -> bool:
    """Return whether a file is NDJSON. Its name decides, or its first character if the name shows
    no format. Raises UsageError for a file that is not text."""
    name = path.name.lower()
    if name.endswith(_NAMES):
        return True
    if name.removesuffix(".gz").endswith((".csv", ".tsv", ".txt")):
        return False
    with open_text(path) as file:
        try:
            return file.read(64).lstrip().startswith("{")
        except (UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{path} is neither CSV nor NDJSON") from error


def tick_of(line: str | bytes, asked: Asked = _REPLAY) -> WireTick:
    """Parse a recorded tick for replay. Raises ValueError, TickError or msgspec's errors for an
    invalid tick."""
    try:
        fields = action_fields(line.encode() if isinstance(line, str) else line)
        if fields is not None:
            return _action_of(fields, asked)
        tick = decode(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except UnreadableError as error:
        raise ValueError(str(error)) from error
    tick.action = None
    tick.symbol = parse_symbol(tick.symbol)
    for name in NUMBERS:
        setattr(tick, name, decimal_of(getattr(tick, name)))
    if tick.price is None or tick.price <= 0:
        raise ValueError("price is not above 0")
    tick.timestamp = to_text(plausible(from_text(tick.timestamp)))
    tick.source = tick.source or REPLAY
    if asked.label is not None:
        tick.source = asked.label.of(tick.symbol, tick.source)
    tick.mode = "backfill" if tick.bar else asked.mode
    return tick


def _action_of(fields: ActionFields, asked: Asked) -> WireTick:
    symbol, source = parse_symbol(fields.symbol), fields.source or REPLAY
    if asked.label is not None:
        source = asked.label.of(symbol, source)
    known_at = to_text(plausible(from_text(fields.timestamp or "")))
    return tick_of_action(to_action(fields, known_at, source))


class Recording:
    """The ticks of a file in the order of its lines. Invalid lines are skipped.

    If minute bars are read as history, the hours and days made from them are sent, too. If the bars
    are unsorted, the whole file is sorted by time; once `stop` is set, it yields nothing.
    """

    def __init__(self, path: Path, asked: Asked, stop: Event | None = None) -> None:
        self._path = path
        self._asked = asked
        self._stop = stop
        self.name = path.name
        self.unreadable = Unreadable()
        self.notes: list[str] = []
        self.found: tuple[str, ...] = ()
        self.total: int | None = None
        self._minutes = _Minutes()

    def check(self) -> None:
        """Count the symbols and ticks.

        Raises UsageError if no line is a tick (the message names the first invalid line). Raises it
        also if a requested symbol is missing, or if too many lines would have to be sorted.
        """
        self._minutes = _Minutes()
        symbols = Symbols(str(self._path), self._asked.symbols)
        for tick in self._all():
            if symbols.see(tick.symbol) and tick.bar == "1m":
                self._minutes.see(tick)
        self.found, self.total = symbols.found, symbols.total
        require_found(self._path, self._asked.symbols, self.found, self.unreadable)
        if self._asked.history and not self._minutes.are_in_order(by_time=False):
            check_sortable(self._path, self.total)

    def ticks(self) -> Iterator[WireTick]:
        """Yield the requested symbols' ticks in the order of the lines, unless they are sorted by
        time."""
        return with_folded(self.parts(), datetime.now(UTC))

    @property
    def span(self) -> tuple[str, str] | None:
        """See Readable.span."""
        return self._minutes.span if self._asked.history else None

    def parts(self, *, by_time: bool = False) -> Iterator[Part]:
        """See Readable.parts."""
        wanted = frozenset(self._asked.symbols)
        given = (tick for tick in self._all() if not wanted or tick.symbol in wanted)
        if not self._asked.history:
            return ((tick, 0) for tick in given)
        if self.total is None:
            self.check()
        ticks: Iterable[WireTick] = given
        if not self._minutes.are_in_order(by_time):
            check_sortable(self._path, self.total or 0)
            ticks = in_order(given, lambda tick: tick.timestamp, self._stop)
        return ((tick, SECONDS["1m"] if tick.bar == "1m" else 0) for tick in ticks)

    def _all(self) -> Iterator[WireTick]:
        self.unreadable = Unreadable()
        for number, line in self._lines():
            try:
                yield tick_of(line, self._asked)
            except (msgspec.MsgspecError, TickError, ValueError) as error:
                self.unreadable.add(number, error)

    def _lines(self) -> Iterator[tuple[int, str]]:
        with open_text(self._path) as file:
            try:
                for number, line in enumerate(lines(file, self._path), 1):
                    if line.strip():
                        yield number, line
            except (UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
                raise UsageError(f"{self._path}: cannot be read: {error}") from error


class _Minutes:
    """The time span of all minute bars, and whether the bars are in time order."""

    def __init__(self) -> None:
        self.span: tuple[str, str] | None = None
        self._latest: dict[str, str] = {}
        self._in_symbols_order = True
        self._in_order = True

    def see(self, bar: WireTick) -> None:
        """Add a minute bar."""
        start = bar.timestamp
        first, last = self.span or (start, start)
        self._in_order = self._in_order and last <= start
        self._in_symbols_order = (
            self._in_symbols_order and self._latest.get(bar.symbol, "") <= start
        )
        self.span = min(first, start), max(last, start)
        self._latest[bar.symbol] = start

    def are_in_order(self, by_time: bool) -> bool:
        """Return whether each symbol's bars are in time order; with `by_time`, whether all bars
        are."""
        return self._in_order if by_time else self._in_symbols_order
