"""How far a shard is done, when its records are not finished in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable


class Progress:
    """Sequence numbers in the order read; the checkpoint is the last before any unfinished."""

    def __init__(self, checkpoint: str | None) -> None:
        self.checkpoint = checkpoint
        self._read: deque[str] = deque()
        self._finished: set[str] = set()

    def read(self, sequence_number: str) -> None:
        """A record was read and is not finished."""
        self._read.append(sequence_number)

    def finish(self, sequence_numbers: Iterable[str]) -> None:
        """Records are done, filtered out or given up."""
        self._finished.update(sequence_numbers)
        while self._read and self._read[0] in self._finished:
            self.checkpoint = self._read.popleft()
            self._finished.remove(self.checkpoint)

    @property
    def unfinished(self) -> int:
        """How many records were read beyond the checkpoint."""
        return len(self._read)
