"""What the collector follows: symbols of the environment, and those that people track."""

from __future__ import annotations

from collections.abc import Sequence

from producer.errors import StoreError
from producer.watchlist import TrackedList


class Followed:
    """Each symbol once, the environment's first.

    `current` are those of the last call. Raises StoreError where the tracked ones have never been
    read: without them a run would forget what it knows about them.
    """

    def __init__(self, own: Sequence[str], tracked: TrackedList) -> None:
        self._own = tuple(own)
        self._tracked = tracked
        self.current: tuple[str, ...] = ()
        self._followed: frozenset[str] = frozenset()

    @property
    def invalid(self) -> Sequence[str]:
        """Tracked items that are no symbols, which are passed over."""
        return self._tracked.invalid

    def drops(self, symbol: str) -> bool:
        """Whether the table says that a symbol is not followed, rather than not answering."""
        return self._tracked.is_current and symbol not in self._followed

    def symbols(self) -> Sequence[str]:
        """The symbols of at most 5 seconds ago."""
        tracked = self._tracked.symbols()
        if not self._tracked.is_known:
            raise StoreError("the tracked symbols cannot be read: this run collects nothing")
        self.current = tuple(dict.fromkeys((*self._own, *tracked)))
        self._followed = frozenset(self.current)
        return self.current
