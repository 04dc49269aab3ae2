"""First quotes: one per symbol at any hour, so that it has a price before it trades."""

from __future__ import annotations

from collections.abc import Callable

FIRST_WAIT_SECONDS = 30.0
MOST_WAIT_SECONDS = 3600.0


class FirstQuotes:
    """Keeps which symbols had a quote, and when the others may be asked for their first.

    A failed symbol is asked again after 30 s, then after a minute, two, ... up to an hour. `now`
    returns monotonic seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._due: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self.answered: set[str] = set()

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Forget the symbols that `drops` selects; one that returns is new."""
        self.answered -= {name for name in self.answered if drops(name)}
        for known in (self._due, self._failures):
            for name in list(filter(drops, known)):
                del known[name]

    def wants(self, symbol: str) -> bool:
        """Return whether a symbol has no quote yet and may be asked for one."""
        return symbol not in self.answered and self._due.get(symbol, 0.0) <= self._now()

    def found(self, symbol: str) -> None:
        """Note that a symbol had a quote."""
        self.answered.add(symbol)

    def doubted(self, symbol: str) -> None:
        """Note that a symbol's quote had no price, or one that is not confirmed yet: it is asked
        again."""
        self.answered.discard(symbol)
        self.failed(symbol)

    def failed(self, symbol: str) -> None:
        """Note that a symbol's quote failed.

        Only a symbol that never had a quote waits. If it already waits, and was asked since its
        exchange is open, the wait stays as it is.
        """
        if symbol in self.answered or self._due.get(symbol, 0.0) > self._now():
            return
        failures = self._failures.get(symbol, 0)
        wait = min(MOST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(failures, 30))
        self._failures[symbol] = failures + 1
        self._due[symbol] = self._now() + wait
