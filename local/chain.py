"""Runs producers in sequence: history first, then the continuous source."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from local.keeping import Keeper, Running

Start = Callable[[Callable[[int], None]], Running]
"""Starts a producer, which passes its exit status to the given function."""


class Chain:
    """Starts each producer after the one before has exited with status 0, and restarts failed ones.

    `failing` is called before each restart, with the reason and the delay in seconds. `ended` gets
    the status of the last producer, or of a producer with an invalid command line.
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
        """Return whether a producer has failed and waits to be restarted."""
        return self._keeper is not None and self._keeper.is_down

    def start(self) -> None:
        """Start the next producer, unless `stop` was called."""
        with self._lock:
            if self._stopped:
                return
            start = self._left.pop(0)
            self._keeper = keeper = Keeper(start, failing=self._failing, ended=self._ended)
        keeper.start()

    def stop(self) -> None:
        """Stop the running producer and start no other."""
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
