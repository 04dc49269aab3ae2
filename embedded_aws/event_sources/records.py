"""A record of a stream on the way to a handler."""

from __future__ import annotations

from typing import Any

import msgspec

PAYLOAD_LIMIT = 6 * 1024 * 1024
"""The most bytes of the payload that invokes a function."""


class StreamRecord(msgspec.Struct, frozen=True):
    """A record of a stream. `event` is its form in Lambda's event, `arrived` an epoch second."""

    sequence_number: str
    key: str
    arrived: float
    event: dict[str, Any]
    size_bytes: int


def made(sequence_number: str, key: str, arrived: float, event: dict[str, Any]) -> StreamRecord:
    """Return a stream's record with the number of bytes that it takes in the payload."""
    return StreamRecord(sequence_number, key, arrived, event, len(msgspec.json.encode(event)) + 1)
