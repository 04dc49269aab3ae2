"""Computes a shard's checkpoint while its records are finished out of order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable


class Progress:
    """The sequence numbers of a shard in the order read. The checkpoint is the last one before all
    unfinished records."""

    def __init__(self, checkpoint: str | None) -> None:
        self.checkpoint = checkpoint
        self._read: deque[str] = deque()
        self._finished: set[str] = set()

    def read(self, sequence_number: str) -> None:
        """Add a record as unfinished."""
        self._read.append(sequence_number)

    def finish(self, sequence_numbers: Iterable[str]) -> None:
        """Mark records as finished: processed, filtered out or dead-lettered."""
        self._finished.update(sequence_numbers)
        while self._read and self._read[0] in self._finished:
            self.checkpoint = self._read.popleft()
            self._finished.remove(self.checkpoint)

    @property
    def unfinished(self) -> int:
        """Return the number of records read after the checkpoint."""
        return len(self._read)
