"""Notices trades that are missing or repeated, by the numbers that the service gives them."""

from __future__ import annotations

RESTARTED = 100_000
"""A number that is lower by this much on a new connection means that the service numbers from a
new start."""


KEYS_KEPT = 5000
"""The keys of a symbol's newest trades by which repeated ones are known."""


class Keys:
    """The keys of each symbol's newest trades, where a service does not number them."""

    def __init__(self, most: int = KEYS_KEPT) -> None:
        self._most = most
        self._kept: dict[str, dict[str, None]] = {}

    def is_new(self, symbol: str, key: str) -> bool:
        """Keep a key. Return whether it was not kept yet."""
        kept = self._kept.setdefault(symbol, {})
        if key in kept:
            return False
        kept[key] = None
        if len(kept) > self._most:
            del kept[next(iter(kept))]
        return True


class Numbering:
    """The newest number of each symbol. The numbers of a symbol's trades have no holes."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._fresh: set[str] = set()

    def begin(self) -> None:
        """Start a new connection: what was missed before it is known from its loss."""
        self._fresh = set(self._newest)
        self._told.clear()

    def missed_before(self, symbol: str, number: int) -> int | None:
        """Return how many trades are missing before this one; None for a repeated or late one."""
        newest = self._newest.get(symbol)
        is_fresh = symbol in self._fresh
        self._fresh.discard(symbol)
        if newest is None or (is_fresh and newest - number > RESTARTED):
            self._newest[symbol] = number
            return 0
        if number <= newest:
            return None
        self._newest[symbol] = number
        return 0 if is_fresh else number - newest - 1

    def is_behind(self, symbol: str, number: int) -> bool:
        """Return whether trades have not come although the heartbeat before told of them.

        A heartbeat may overtake the trades that it tells of, so they have until the next one.
        """
        told, self._told[symbol] = self._told.get(symbol), number
        newest = self._newest.get(symbol)
        return told is not None and newest is not None and told > newest
