"""Detects repeated trades by their numbers or keys, and missing trades by their numbers."""

from __future__ import annotations

from typing import NamedTuple

FAR = 100_000
"""A number that is farther than this from the newest one is not believed at once. On a new
connection it means that the service numbers from a new start."""

MOST_LATE = 5
"""After this many late trades in a row, each numbered above the one before, the numbering goes on
there: the number that made them late was wrong."""

KEYS_KEPT = 5000
"""The keys of a symbol's newest trades by which repeated ones are known."""


class Keys:
    """The keys of each symbol's newest trades, for a service that does not number trades."""

    def __init__(self, most: int = KEYS_KEPT) -> None:
        self._most = most
        self._kept: dict[str, dict[str, None]] = {}

    def is_new(self, symbol: str, key: str) -> bool:
        """Store the key of a trade. Return whether it was not stored before."""
        kept = self._kept.setdefault(symbol, {})
        if key in kept:
            return False
        kept[key] = None
        if len(kept) > self._most:
            del kept[next(iter(kept))]
        return True


class _Late(NamedTuple):
    """Late trades in a row: the number of the last one, and how many there are."""

    number: int
    length: int


class Numbering:
    """The newest trade number of each symbol. The numbers of a symbol's trades have no holes. A
    number that jumps far ahead is believed once the next number follows it closely."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._doubted: dict[str, int] = {}
        self._late: dict[str, _Late] = {}
        self._told: dict[str, int] = {}
        self._fresh: set[str] = set()

    def begin(self) -> None:
        """Start a new connection. Trades missed before it do not count here: a gap began when the
        last connection was lost."""
        self._fresh = set(self._newest)
        self._told.clear()

    def missed_before(self, symbol: str, number: int) -> int | None:
        """Return how many trades are missing before this trade; None if it is repeated or late. If
        the number jumps far, return 1, since it is not yet known how many are missing."""
        newest = self._newest.get(symbol)
        is_fresh = symbol in self._fresh
        self._fresh.discard(symbol)
        if newest is None or (is_fresh and abs(number - newest) > FAR):
            self._newest[symbol] = number
            return 0
        if number <= newest:
            return self._late_one(symbol, number)
        self._late.pop(symbol, None)
        if number - newest > FAR:
            return self._far_one(symbol, number)
        self._doubted.pop(symbol, None)
        self._newest[symbol] = number
        return 0 if is_fresh else number - newest - 1

    def pass_over(self, symbol: str, number: int) -> bool:
        """Return whether a trade that does not count is the symbol's next one. If so, store its
        number."""
        if number - 1 != self._newest.get(symbol):
            return False
        self._newest[symbol] = number
        return True

    def _late_one(self, symbol: str, number: int) -> int | None:
        before = self._late.get(symbol, _Late(number, 0))
        is_later = number > before.number
        late = self._late[symbol] = _Late(number, before.length + 1 if is_later else 1)
        if late.length < MOST_LATE:
            return None
        del self._late[symbol]
        self._newest[symbol] = number
        return 1

    def _far_one(self, symbol: str, number: int) -> int | None:
        doubted = self._doubted.get(symbol)
        if number == doubted:
            return None
        if doubted is None or not 0 < number - doubted <= FAR:
            self._doubted[symbol] = number
            return 1
        del self._doubted[symbol]
        self._newest[symbol] = number
        return number - doubted - 1

    def is_behind(self, symbol: str, number: int) -> bool:
        """Take the newest number from a heartbeat.

        Return whether trades are missing that the previous heartbeat announced. A heartbeat may
        overtake the trades that it announces, so they have until the next one.
        """
        told, self._told[symbol] = self._told.get(symbol), number
        newest = self._newest.get(symbol)
        return told is not None and newest is not None and told > newest
