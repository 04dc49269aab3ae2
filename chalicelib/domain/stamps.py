"""Assigns times to ticks without a timestamp.

A stream or queue reports the millisecond in which it received a record, and may receive many
records in one. A record's sequence number determines the microsecond of its first such tick. Each
further such tick is a microsecond later; after every seventh they continue in the next millisecond.

Neighbouring records are seven microseconds apart, so that they keep their order. Seven and a
thousand are coprime: of a thousand records in one millisecond no two share a first microsecond, and
of 142 no two share any.
"""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

from chalicelib.domain.times import to_text

SLOTS = 1_000
"""Microseconds in a millisecond."""

ROOM = 7
"""The most ticks of one record in the same millisecond."""

_KINESIS = 80
"""The bit from which a Kinesis sequence number counts a shard's records. The lower bits hold the
second and the shard, which all records of a millisecond share."""

_FIFO = 60
"""Sequence numbers of SQS's FIFO queues have more bits than this, and are multiples of 256."""

WHOLE = 1 << 20
"""The lowest result of `sequence_of` for a record with a number."""


class Stamps:
    """Assigns times to the ticks of one record that have no timestamp.

    `number` is the record's sequence number. It is None for a line of the archive, whose archived
    arrival is the time of the first such tick.
    """

    def __init__(self, arrival: datetime, number: str | None) -> None:
        self._arrival = arrival
        self._number = number
        self.given = 0

    def at(self, place: int) -> datetime:
        """Return the time of the tick at this place, from 0, among the record's ticks without a
        timestamp."""
        milliseconds, microseconds = divmod(place, ROOM)
        return self._first() + timedelta(milliseconds=milliseconds, microseconds=microseconds)

    def take(self) -> str:
        """Return the time of the next tick without a timestamp."""
        self.given += 1
        return to_text(self.at(self.given - 1))

    def _first(self) -> datetime:
        if self._number is None:
            return self._arrival
        millisecond = self._arrival.microsecond // SLOTS * SLOTS
        return self._arrival.replace(microsecond=millisecond + slot_of(self._number))


def slot_of(number: str) -> int:
    """Return the microsecond, 0 to 999, of a record with a sequence number or message id."""
    if not (number.isascii() and number.isdecimal()):
        return zlib.crc32(number.encode()) % SLOTS
    return _count(int(number)) * ROOM % SLOTS


def sequence_of(number: str) -> int:
    """Return the order of a record within its shard or group; 0 without a sequence number."""
    numbered = number.isascii() and number.isdecimal()
    return WHOLE + _count(int(number)) if numbered else 0


def _count(number: int) -> int:
    """Return the part of a sequence number that grows by one from record to record."""
    if number >> _KINESIS:
        return number >> _KINESIS
    return number >> 8 if number >> _FIFO else number
