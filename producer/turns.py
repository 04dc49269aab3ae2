"""Whose turn it is to be asked: each symbol every so often, the one that waited longest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import count

MOST_WAIT_SECONDS = 6 * 3600.0
"""A symbol that Yahoo does not know is asked again at least so often."""

_NEVER = float("-inf")


class Turns:
    """Symbols are asked every `interval` seconds; those that were not found wait longer each time:
    one interval, then two, four, ... up to six hours. `now` gives monotonic seconds."""

    def __init__(self, interval: float, now: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._now = now
        self._count = count(1)
        self._asked: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._misses: dict[str, int] = {}

    def keep(self, symbols: Iterable[str]) -> None:
        """Forget all symbols but these; one that comes back is new."""
        kept = set(symbols)
        for name in (self._asked.keys() | self._due.keys()) - kept:
            for known in (self._asked, self._due, self._misses):
                known.pop(name, None)

    def due(self, symbols: Iterable[str]) -> list[str]:
        """The symbols whose time has come, the one that was not asked for longest first."""
        now = self._now()
        come = (name for name in symbols if self._due.get(name, _NEVER) <= now)
        return sorted(come, key=lambda name: self._asked.get(name, 0))

    def wait_seconds(self, symbols: Iterable[str]) -> float:
        """Seconds until the first of the symbols is due; 0 where one is."""
        first = min((self._due.get(name, _NEVER) for name in symbols), default=_NEVER)
        return max(0.0, first - self._now())

    def asked(self, symbols: Iterable[str], at: float) -> None:
        """They were asked, in this order, in a poll that began at `at`."""
        for name in symbols:
            self._asked[name] = next(self._count)
            self._due[name] = at + self._interval

    def found(self, symbol: str) -> None:
        """It is known: nothing is left of earlier waits."""
        self._misses.pop(symbol, None)

    def not_found(self, symbol: str) -> float:
        """Seconds until it is asked again."""
        misses = self._misses.get(symbol, 0)
        wait = min(MOST_WAIT_SECONDS, self._interval * 2.0 ** min(misses, 30))
        self._misses[symbol] = misses + 1
        self._due[symbol] = self._now() + wait
        return wait

    def is_put_off(self, symbol: str) -> bool:
        """Whether it was not found, and is not yet to be asked again."""
        return symbol in self._misses and not self.due((symbol,))

    def is_missing(self, symbol: str) -> bool:
        """Whether it was not found when it was last asked."""
        return symbol in self._misses
