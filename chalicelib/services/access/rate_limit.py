"""Limit the requests of each key per minute of the clock, counted over all containers. An expensive
request counts as several."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chalicelib.domain.times import minute_of, to_text
from chalicelib.services.access.key_ring import KeyStore


class RateLimit:
    """Counts requests in the store. Once a request has exceeded the limit, requests of the same or
    a higher weight write nothing until the next minute."""

    def __init__(self, store: KeyStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._refused: dict[str, tuple[str, int]] = {}

    def seconds_to_wait(self, key_id: str, limit: int, weight: int = 1) -> int:
        """Count a request as `weight` requests. Return 0 if it is within the limit. Otherwise
        return the seconds until the next minute. `weight` must not exceed `limit`."""
        now = self._clock()
        minute = minute_of(to_text(now))
        refused_in, least = self._refused.get(key_id, ("", 0))
        if refused_in != minute or weight < least:
            if self._store.count(key_id, minute, limit, weight):
                return 0
            self._refused[key_id] = minute, weight
        return 60 - now.second
