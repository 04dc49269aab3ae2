"""First quotes: of each symbol one, whatever the hour, so that it has a price before it trades."""

from __future__ import annotations

from collections.abc import Callable

FIRST_WAIT_SECONDS = 30.0
MOST_WAIT_SECONDS = 3600.0


class FirstQuotes:
    """Which symbols had a quote, and which may be asked for their first one.

    One that failed is asked for again after 30 s, then after a minute, two, ... up to an hour.
    `now` gives monotonic seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._due: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self.answered: set[str] = set()

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Forget the symbols that `drops` names; one that comes back is new."""
        self.answered -= {name for name in self.answered if drops(name)}
        for known in (self._due, self._failures):
            for name in list(filter(drops, known)):
                del known[name]

    def wants(self, symbol: str) -> bool:
        """Whether a symbol had no quote yet, and may be asked for one."""
        return symbol not in self.answered and self._due.get(symbol, 0.0) <= self._now()

    def found(self, symbol: str) -> None:
        """It had a quote."""
        self.answered.add(symbol)

    def doubted(self, symbol: str) -> None:
        """What it had was no price, or none that can be believed yet."""
        self.answered.discard(symbol)
        self.failed(symbol)

    def failed(self, symbol: str) -> None:
        """Its quote failed. Only that of a symbol that never had one waits; asked for meanwhile,
        since its exchange is open, it waits no longer for that."""
        if symbol in self.answered or self._due.get(symbol, 0.0) > self._now():
            return
        failures = self._failures.get(symbol, 0)
        wait = min(MOST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(failures, 30))
        self._failures[symbol] = failures + 1
        self._due[symbol] = self._now() + wait
