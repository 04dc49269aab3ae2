"""The symbols that the collector follows: those of the environment and the tracked ones."""

from __future__ import annotations

from collections.abc import Sequence

from producer.errors import StoreError
from producer.watchlist import TrackedList
from producer.wire import WireTick


class Followed:
    """The followed symbols, each once, the environment's first. `current` holds those of the last
    call of `symbols`."""

    def __init__(self, own: Sequence[str], tracked: TrackedList) -> None:
        self._own = tuple(own)
        self._tracked = tracked
        self.current: tuple[str, ...] = ()
        self._followed: frozenset[str] = frozenset()

    @property
    def invalid(self) -> Sequence[str]:
        """Return the tracked items that are not valid symbols and are skipped."""
        return self._tracked.invalid

    def drops(self, symbol: str) -> bool:
        """Return whether the table says that a symbol is not followed; False if it does not
        answer."""
        return self._tracked.is_current and symbol not in self._followed

    def is_anothers(self, symbol: str) -> bool:
        """Return whether a symbol's series has another source than the collector's."""
        return self._tracked.is_anothers(symbol)

    def refuses(self, tick: WireTick) -> bool:
        """Return whether a tick's time belongs to another source of its series."""
        return self._tracked.refuses(tick)

    def symbols(self) -> Sequence[str]:
        """Return the symbols, read again if they are older than 5 seconds.

        Raises StoreError if the tracked symbols have never been read: without them a run would drop
        its state about them.
        """
        tracked = self._tracked.symbols()
        if not self._tracked.is_known:
            raise StoreError("the tracked symbols cannot be read: this run collects nothing")
        symbols = dict.fromkeys((*self._own, *tracked))
        self.current = tuple(name for name in symbols if not self.is_anothers(name))
        self._followed = frozenset(self.current)
        return self.current
