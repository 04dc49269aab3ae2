"""The interface of sinks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from producer.records import Limits, Record


class Sink(Protocol):
    """Accepts records, in requests with at most one record per key."""

    @property
    def name(self) -> str:
        """Return the sink's name for messages."""

    @property
    def limits(self) -> Limits:
        """Return the limits of one request."""

    def key(self, symbol: str) -> str:
        """Return the key for a symbol's records. The sink keeps the order of a key's records."""

    def send(self, records: Sequence[Record]) -> Sequence[str | None]:
        """Send the records once. Return None for each accepted record, else why it was refused.

        Raises SinkUnavailable if nothing was accepted now, SinkRefused if nothing ever will be.
        Raises ReaderGone if nobody reads the output any more.
        """
