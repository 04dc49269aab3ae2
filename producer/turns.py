"""Schedules requests: each symbol every interval, the one that waited longest first. Also schedules
one first quote per symbol at any hour, so that a symbol has a price before it trades."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import count

MOST_WAIT_SECONDS = 6 * 3600.0
"""The longest wait before a symbol unknown to Yahoo is asked again."""

_NEVER = float("-inf")


class Turns:
    """Schedules each symbol every `interval` seconds. A symbol that was not found waits longer each
    time: one interval, then two, four, ... up to six hours. `now` returns monotonic seconds."""

    def __init__(self, interval: float, now: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._now = now
        self._count = count(1)
        self._asked: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._misses: dict[str, int] = {}

    def keep(self, symbols: Iterable[str]) -> None:
        """Drop the state of all symbols but these. A symbol that returns counts as new."""
        kept = set(symbols)
        for name in (self._asked.keys() | self._due.keys()) - kept:
            for known in (self._asked, self._due, self._misses):
                known.pop(name, None)

    def due(self, symbols: Iterable[str]) -> list[str]:
        """Return the due symbols. The one that waited longest comes first."""
        now = self._now()
        come = (name for name in symbols if self._due.get(name, _NEVER) <= now)
        return sorted(come, key=lambda name: self._asked.get(name, 0))

    def wait_seconds(self, symbols: Iterable[str]) -> float:
        """Return the seconds until the first symbol is due; 0 if one is due or there are none."""
        first = min((self._due.get(name, _NEVER) for name in symbols), default=_NEVER)
        return max(0.0, first - self._now())

    def asked(self, symbols: Iterable[str], at: float) -> None:
        """Record that symbols were asked for, in this order, in a poll that began at `at`."""
        for name in symbols:
            self._asked[name] = next(self._count)
            self._due[name] = at + self._interval

    def found(self, symbol: str) -> None:
        """Reset a symbol's waits, since the source knows it."""
        self._misses.pop(symbol, None)

    def not_found(self, symbol: str) -> float:
        """Record that a symbol was not found. Return the seconds until the next request for it."""
        misses = self._misses.get(symbol, 0)
        wait = min(MOST_WAIT_SECONDS, self._interval * 2.0 ** min(misses, 30))
        self._misses[symbol] = misses + 1
        self._due[symbol] = self._now() + wait
        return wait

    def is_put_off(self, symbol: str) -> bool:
        """Return whether a symbol was not found and its wait is not over."""
        return symbol in self._misses and not self.due((symbol,))

    def is_missing(self, symbol: str) -> bool:
        """Return whether the last request for a symbol did not find it."""
        return symbol in self._misses


FIRST_WAIT_SECONDS = 30.0
MOST_FIRST_WAIT_SECONDS = 3600.0


class FirstQuotes:
    """Schedules a first quote for each symbol that had none. `answered` holds those that had one.

    A failed symbol is asked for again after 30 s, then after a minute, two, ... up to an hour.
    `now` returns monotonic seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._due: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self.answered: set[str] = set()

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true. A symbol that returns
        counts as new."""
        self.answered -= {name for name in self.answered if drops(name)}
        for known in (self._due, self._failures):
            for name in list(filter(drops, known)):
                del known[name]

    def wants(self, symbol: str) -> bool:
        """Return whether a symbol has no quote yet and may be asked for one."""
        return symbol not in self.answered and self._due.get(symbol, 0.0) <= self._now()

    def found(self, symbol: str) -> None:
        """Record that a symbol had a quote."""
        self.answered.add(symbol)

    def doubted(self, symbol: str) -> None:
        """Record that a quote had no price, or an unconfirmed one. Its symbol is asked for
        again."""
        self.answered.discard(symbol)
        self.failed(symbol)

    def failed(self, symbol: str) -> None:
        """Record that a request for a symbol's quote failed.

        Only a symbol that never had a quote waits. If it already waits, but was asked for because
        its exchange is open, the wait stays as it is.
        """
        if symbol in self.answered or self._due.get(symbol, 0.0) > self._now():
            return
        failures = self._failures.get(symbol, 0)
        wait = min(MOST_FIRST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(failures, 30))
        self._failures[symbol] = failures + 1
        self._due[symbol] = self._now() + wait
