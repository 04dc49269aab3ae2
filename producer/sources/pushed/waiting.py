"""Holds prices until the source collects them, and thins them out."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from producer.sources.pushed.messages import Heard
from producer.wire import WireTick

MOST_WAITING = 20_000
_MINUTE = len("2026-11-20T15:30")


class Waiting:
    """A bounded queue of prices. If the queue is full, the oldest price is removed and passed to
    `dropped`, so that history fills its minute."""

    def __init__(self, dropped: Callable[[Heard], None], most: int = MOST_WAITING) -> None:
        self._dropped = dropped
        self._most = most
        self._prices: deque[Heard] = deque()
        self._lock = threading.Lock()

    def put(self, price: Heard) -> None:
        """Add a price to the queue."""
        oldest = None
        with self._lock:
            if len(self._prices) >= self._most:
                oldest = self._prices.popleft()
            self._prices.append(price)
        if oldest is not None:
            self._dropped(oldest)

    def take(self) -> list[Heard]:
        """Remove all prices from the queue and return them in order."""
        with self._lock:
            found = list(self._prices)
            self._prices.clear()
        return found


def thinned(ticks: Sequence[WireTick]) -> list[WireTick]:
    """Return the first, highest, lowest and last tick of each symbol and minute.

    They keep the order of `ticks`. Bars made of them have the open, high, low and close that all
    ticks would make. Ticks without a finite price are kept, too.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    kept: set[int] = set()
    for place, tick in enumerate(ticks):
        if not tick.price.is_finite():  # hygiene drops and counts it
            kept.add(place)
            continue
        groups.setdefault((tick.symbol, tick.timestamp[:_MINUTE]), []).append(place)
    for places in groups.values():
        highest = max(places, key=lambda place: ticks[place].price)
        lowest = min(places, key=lambda place: ticks[place].price)
        kept.update((places[0], highest, lowest, places[-1]))
    return [ticks[place] for place in sorted(kept)]
