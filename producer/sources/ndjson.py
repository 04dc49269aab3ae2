"""Recordings of ticks as they go over the wire: JSON, one object a line (.gz unpacked)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import parse_symbol
from chalicelib.domain.times import from_text, to_text
from producer.errors import UsageError
from producer.sources.recording import Unreadable, open_text, require_found
from producer.wire import WireTick, decimal_of, decode

_NAMES = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz", ".json.gz")
_NUMBERS = ("price", "open", "high", "low", "previous_close", "volume")


def is_ndjson(path: Path) -> bool:
    """By the name, or by the first character where the name says nothing."""
    name = path.name.lower()
    if name.endswith(_NAMES):
        return True
    if name.endswith((".csv", ".csv.gz")):
        return False
    with open_text(path) as file:
        try:
            return file.read(64).lstrip().startswith("{")
        except (UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{path} is neither CSV nor NDJSON") from error


def tick_of(line: str | bytes) -> WireTick:
    """A recorded tick, as it is replayed. Raises ValueError for what is no tick."""
    tick = decode(line)
    tick.symbol = parse_symbol(tick.symbol)
    for name in _NUMBERS:
        setattr(tick, name, decimal_of(getattr(tick, name)))
    if tick.price is None or tick.price <= 0:
        raise ValueError("price is not above 0")
    tick.timestamp = to_text(from_text(tick.timestamp))
    tick.source = tick.source or "replay"
    tick.mode = "backfill" if tick.bar else "replay"
    return tick


class Recording:
    """A file of ticks, in the order of its lines. Lines that are no tick are passed over."""

    def __init__(self, path: Path, symbols: tuple[str, ...]) -> None:
        self._path = path
        self._symbols = symbols
        self.unreadable = Unreadable()

    def check(self) -> None:
        """Raises UsageError, naming the first bad line, when none is a tick."""
        found = dict.fromkeys(tick.symbol for tick in self._all())
        require_found(self._path, self._symbols, list(found), self.unreadable)

    def ticks(self) -> Iterator[WireTick]:
        """The ticks of the symbols asked for."""
        return (tick for tick in self._all() if not self._symbols or tick.symbol in self._symbols)

    def _all(self) -> Iterator[WireTick]:
        self.unreadable = Unreadable()
        for number, line in self._lines():
            try:
                yield tick_of(line)
            except (msgspec.MsgspecError, TickError, ValueError) as error:
                self.unreadable.add(number, error)

    def _lines(self) -> Iterator[tuple[int, str]]:
        with open_text(self._path) as file:
            try:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, line
            except (UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
                raise UsageError(f"{self._path}: cannot be read: {error}") from error
