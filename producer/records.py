"""Records: what a sink takes in one piece, made of the lines that wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from producer.wire import Line

BAR_RECORD_BYTES = 180_000
"""Historical bars of a symbol share a record up to this size, whatever `--ticks-per-record` is."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one request and one record may hold. Bytes count payload and key.

    `ticks_per_record` are those of one symbol; a tick waits up to `flush_seconds` for as many.
    """

    records: int
    request_bytes: int
    record_bytes: int
    ticks_per_record: int = 1
    lines_per_record: int | None = None
    flush_seconds: float = 0.0

    @property
    def lines(self) -> int:
        """The most ticks in a record, of whatever symbols; where none is given, of one."""
        return self.lines_per_record or self.ticks_per_record


class Record(msgspec.Struct, frozen=True):
    """Lines of one key, in order. The key is what the sink keeps in order by."""

    key: str
    lines: tuple[Line, ...]

    @property
    def payload(self) -> bytes:
        """The lines, one to a line."""
        return b"\n".join(line.payload for line in self.lines)

    @property
    def size(self) -> int:
        """Bytes that the record counts for in a request."""
        return sum(len(line.payload) + 1 for line in self.lines) + len(self.key)


def first_record(key: str, waiting: Sequence[Line], limits: Limits) -> Record:
    """The record at the head of a key's queue: lines of one kind, as many as the limits allow.

    At least one line, however long it is. Bars never share a record with ticks.
    """
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
    """Whether nothing that comes later could join the record at the head of `waiting`: it leaves
    some of them out, or holds as many ticks of a symbol as it may."""
    if len(record.lines) < len(waiting) or len(record.lines) >= limits.lines:
        return True
    counts = Counter(line.symbol for line in record.lines)
    return max(counts.values()) >= limits.ticks_per_record
