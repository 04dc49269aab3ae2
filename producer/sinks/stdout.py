"""Writes ticks to standard output as NDJSON: one tick per line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from producer.errors import ReaderGone
from producer.records import Limits, Record

_LIMITS = Limits(records=1000, request_bytes=1 << 20, record_bytes=1 << 16, ticks_per_record=1000)


class StdoutSink:
    """Writes to a binary stream, and flushes after each request. All lines share one key, so they
    keep their order."""

    name = "stdout"
    limits = _LIMITS

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def key(self, symbol: str) -> str:  # noqa: ARG002 - the interface's
        """Return the one key that all symbols share."""
        return "stdout"

    def send(self, records: Sequence[Record]) -> Sequence[str | None]:
        """Write the records. Raises ReaderGone if the reader of the pipe has closed it."""
        try:
            for record in records:
                self._out.write(record.payload + b"\n")
            self._out.flush()
        except BrokenPipeError as error:
            raise ReaderGone("the reader of standard output has closed it") from error
        return [None] * len(records)
