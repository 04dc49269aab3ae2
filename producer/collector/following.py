"""The symbols that the collector follows: those of the environment and the tracked ones."""

from __future__ import annotations

from collections.abc import Sequence

from producer.errors import StoreError
from producer.watchlist import DefaultList, TrackedList


class Followed(DefaultList):
    """The followed symbols, each once, the environment's first. `current` holds those of the last
    call of `symbols`."""

    def __init__(self, own: Sequence[str], tracked: TrackedList) -> None:
        super().__init__(own, lambda: tracked, at_call=1)
        self._table = tracked
        self.current: Sequence[str] = ()

    @property
    def invalid(self) -> Sequence[str]:
        """Return the tracked items that are not valid symbols and are skipped."""
        return self._table.invalid

    def drops(self, symbol: str) -> bool:
        """Return whether the table says that a symbol is not followed; False if it does not
        answer."""
        return self._table.is_current and super().drops(symbol)

    def symbols(self) -> Sequence[str]:
        """Return the symbols, read again if they are older than 5 seconds.

        Raises StoreError if the tracked symbols have never been read: without them a run would drop
        its state about them.
        """
        symbols = super().symbols()
        if not self._table.is_known:
            raise StoreError("the tracked symbols cannot be read: this run collects nothing")
        self.current = symbols
        return symbols
