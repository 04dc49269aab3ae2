"""A stream's record on its way to a handler."""

from __future__ import annotations

from typing import Any

import msgspec

PAYLOAD_LIMIT = 6 * 1024 * 1024
"""The most bytes of an invocation's payload."""


class StreamRecord(msgspec.Struct, frozen=True):
    """`event` is the record as Lambda passes it. `arrived` is in epoch seconds."""

    sequence_number: str
    key: str
    arrived: float
    event: dict[str, Any]
    size_bytes: int


def made(sequence_number: str, key: str, arrived: float, event: dict[str, Any]) -> StreamRecord:
    """Build a record with the size that it takes in the payload."""
    return StreamRecord(sequence_number, key, arrived, event, len(msgspec.json.encode(event)) + 1)
