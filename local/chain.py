"""Producers one after the other: history first, then the source that goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from local.keeping import Keeper, Running

Start = Callable[[Callable[[int], None]], Running]
"""Starts a producer that tells its exit status to the callback."""


class Chain:
    """Starts each producer when the one before has ended in order; each is kept running.

    `failing` is told of each that is started again, `ended` gets the status of the last one, or of
    one whose command line cannot be used.
    """

    def __init__(
        self,
        starts: Sequence[Start],
        *,
        failing: Callable[[str, float], None],
        ended: Callable[[int], None],
    ) -> None:
        self._left = list(starts)
        self._failing = failing
        self._done = ended
        self._lock = threading.Lock()
        self._stopped = False
        self._keeper: Keeper | None = None

    @property
    def is_down(self) -> bool:
        """Whether a producer has failed and waits to be started again."""
        return self._keeper is not None and self._keeper.is_down

    def start(self) -> None:
        """Start the next producer, unless everything stops."""
        with self._lock:
            if self._stopped:
                return
            start = self._left.pop(0)
            self._keeper = keeper = Keeper(start, failing=self._failing, ended=self._ended)
        keeper.start()

    def stop(self) -> None:
        """End the producer; none is started any more."""
        with self._lock:
            self._stopped = True
            keeper = self._keeper
        if keeper is not None:
            keeper.stop()

    def _ended(self, status: int) -> None:
        if status == 0 and self._left:
            self.start()
        else:
            self._done(status)
