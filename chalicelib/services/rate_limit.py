"""How often a key may ask: so many requests in each minute of the clock, over all containers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chalicelib.domain.times import minute_of, to_text
from chalicelib.services.key_ring import KeyStore


class RateLimit:
    """Counts requests in the store. A key that has used up its minute is remembered, so that
    what it asks further in this minute writes nothing."""

    def __init__(self, store: KeyStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._used_up: dict[str, str] = {}

    def seconds_to_wait(self, key_id: str, limit: int) -> int:
        """0 where one more request is within the limit, and is counted; otherwise the seconds
        until the next minute."""
        now = self._clock()
        minute = minute_of(to_text(now))
        if self._used_up.get(key_id) != minute:
            if self._store.count(key_id, minute, limit):
                return 0
            self._used_up[key_id] = minute
        return 60 - now.second
