"""Builds records from waiting lines. A record is the unit that a sink accepts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from producer.wire import Line

BAR_RECORD_BYTES = 180_000
"""Historical bars of a symbol share a record up to this size, whatever `--ticks-per-record` is."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one request and one record may hold. Bytes count payload and key.

    A record holds up to `ticks_per_record` ticks of a symbol; a tick waits up to `flush_seconds`
    for others.
    """

    records: int
    request_bytes: int
    record_bytes: int
    ticks_per_record: int = 1
    lines_per_record: int | None = None
    flush_seconds: float = 0.0

    @property
    def lines(self) -> int:
        """Return how many ticks of all symbols a record may hold; by default `ticks_per_record`."""
        return self.lines_per_record or self.ticks_per_record


class Record(msgspec.Struct, frozen=True):
    """Lines of one key, in order. The sink keeps the order of the records of a key."""

    key: str
    lines: tuple[Line, ...]

    @property
    def payload(self) -> bytes:
        """Return the lines joined by newlines."""
        return b"\n".join(line.payload for line in self.lines)

    @property
    def size(self) -> int:
        """Return how many bytes of a request the record takes."""
        return sum(len(line.payload) + 1 for line in self.lines) + len(self.key)


def first_record(key: str, waiting: Sequence[Line], limits: Limits) -> Record:
    """Return the record at the head of a key's queue. It has as many lines as the limits allow,
    either ticks or bars, and at least one line, however long."""
    is_bar = waiting[0].is_bar
    most = len(waiting) if is_bar else limits.lines
    room = min(limits.record_bytes, BAR_RECORD_BYTES) if is_bar else limits.record_bytes
    room -= len(key)
    counts: dict[str, int] = {}
    lines: list[Line] = []
    for line in waiting:
        room -= len(line.payload) + 1
        if line.is_bar != is_bar or len(lines) == most or (lines and room < 0):
            break
        counts[line.symbol] = counts.get(line.symbol, 0) + 1
        if not is_bar and counts[line.symbol] > limits.ticks_per_record:
            break
        lines.append(line)
    return Record(key, tuple(lines))


def is_full(record: Record, waiting: Sequence[Line], limits: Limits) -> bool:
    """Return whether no later line could join the record at the head of `waiting`. A record is full
    if it leaves out some of the waiting lines, or has no room for more ticks of a symbol."""
    if len(record.lines) < len(waiting) or len(record.lines) >= limits.lines:
        return True
    counts = Counter(line.symbol for line in record.lines)
    return max(counts.values()) >= limits.ticks_per_record
