"""Records: what a sink takes in one piece, made of the lines that wait."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from producer.wire import Line

BAR_RECORD_BYTES = 180_000
"""Historical bars of a symbol share a record up to this size, whatever `--ticks-per-record` is."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one request and one record may hold. Bytes count payload and key."""

    records: int
    request_bytes: int
    record_bytes: int
    ticks_per_record: int = 1
    linger_seconds: float = 0.0


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
    most = len(waiting) if is_bar else limits.ticks_per_record
    room = min(limits.record_bytes, BAR_RECORD_BYTES) if is_bar else limits.record_bytes
    room -= len(key)
    lines: list[Line] = []
    for line in waiting:
        room -= len(line.payload) + 1
        if line.is_bar != is_bar or len(lines) == most or (lines and room < 0):
            break
        lines.append(line)
    return Record(key, tuple(lines))
