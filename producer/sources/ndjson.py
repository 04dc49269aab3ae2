"""Recordings of ticks as they go over the wire: JSON, one object a line (.gz unpacked)."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import parse_symbol
from chalicelib.domain.times import from_text, to_text
from producer.errors import UsageError
from producer.files.asked import REPLAY, Asked
from producer.files.bounded import lines
from producer.files.folding import Folder, targets_of
from producer.sources.recording import Unreadable, open_text, require_found
from producer.wire import WireTick, decimal_of, decode

_NAMES = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz", ".json.gz")
_REPLAY = Asked()
_NUMBERS = ("price", "open", "high", "low", "previous_close", "volume")


def is_ndjson(path: Path) -> bool:
    """By the name, or by the first character where the name says nothing."""
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
    """A recorded tick, as it is replayed. Raises ValueError for what is no tick."""
    tick = decode(line)
    tick.symbol = parse_symbol(tick.symbol)
    for name in _NUMBERS:
        setattr(tick, name, decimal_of(getattr(tick, name)))
    if tick.price is None or tick.price <= 0:
        raise ValueError("price is not above 0")
    tick.timestamp = to_text(from_text(tick.timestamp))
    tick.source = tick.source or REPLAY
    if asked.label is not None:
        tick.source = asked.label.of(tick.symbol, tick.source)
    tick.mode = "backfill" if tick.bar else asked.mode
    return tick


class Recording:
    """A file of ticks, in the order of its lines. Lines that are no tick are passed over.

    Minutes that are read as history come with the hours and days that they make.
    """

    def __init__(self, path: Path, asked: Asked) -> None:
        self._path = path
        self._asked = asked
        self.name = path.name
        self.unreadable = Unreadable()
        self.notes: list[str] = []
        self.found: tuple[str, ...] = ()
        self.total: int | None = None

    def check(self) -> None:
        """Raises UsageError, naming the first bad line, when none is a tick."""
        found = Counter(tick.symbol for tick in self._all())
        self.found = tuple(found)
        self.total = sum(found[symbol] for symbol in self._asked.symbols or found)
        require_found(self._path, self._asked.symbols, self.found, self.unreadable)

    def ticks(self) -> Iterator[WireTick]:
        """The ticks of the symbols asked for."""
        wanted = frozenset(self._asked.symbols)
        ticks = (tick for tick in self._all() if not wanted or tick.symbol in wanted)
        return self._folded(ticks) if self._asked.history else ticks

    def _folded(self, ticks: Iterator[WireTick]) -> Iterator[WireTick]:
        folder = Folder(targets_of(60), datetime.now(UTC))
        for tick in ticks:
            if tick.bar == "1m":
                yield from folder.add(tick)
            yield tick
        yield from folder.rest()

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
