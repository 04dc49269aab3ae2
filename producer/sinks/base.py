"""What a sink is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from producer.records import Limits, Record


class Sink(Protocol):
    """Takes records, in requests that hold at most one record a key."""

    @property
    def name(self) -> str:
        """What people read about where the ticks go."""

    @property
    def limits(self) -> Limits:
        """What one request may hold."""

    def key(self, symbol: str) -> str:
        """The key by which the sink keeps order, and to which the symbol belongs."""

    def send(self, records: Sequence[Record]) -> Sequence[str | None]:
        """Send once. For each record None where it was taken, else why it was not.

        Raises SinkUnavailable where nothing was taken now, SinkRefused where nothing ever will.
        """
