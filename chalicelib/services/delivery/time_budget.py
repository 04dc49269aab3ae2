"""Limit the time that a container waits for receivers, whatever they do (docs/decisions/0306).

An invocation lasts as long as the slowest of its channels, and the next alerts wait for its end. So
the time during which any attempt is under way is limited for all channels together.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class TimeBound(NamedTuple):
    """The seconds during which attempts may be under way: a bucket that holds `all_channels` and is
    refilled by `share` seconds a second. Once it is empty, a channel may overdraw it by `reserve`
    as long as it has time of its own left: a bucket of `own` seconds, refilled by `own_share`."""

    all_channels: float
    share: float
    reserve: float
    own: float
    own_share: float


TIME = TimeBound(all_channels=15.0, share=0.4, reserve=10.0, own=3.0, own_share=1 / 60)


class _Bucket(NamedTuple):
    """Seconds that were left at an instant."""

    left: float
    at: float


class TimeBudget:
    """The time that a container waits for receivers; several threads share it. `now` is a clock in
    seconds."""

    def __init__(self, now: Callable[[], float], bound: TimeBound = TIME) -> None:
        self._now = now
        self._bound = bound
        self._all = _Bucket(bound.all_channels, now())
        self._own: dict[str, _Bucket] = {}
        self._under_way = 0
        self._lock = threading.Lock()

    @contextmanager
    def attempt(self, channel: str) -> Iterator[None]:
        """Count the time of an attempt on a channel. Time during which several are under way counts
        once for all channels, and for each of its own."""
        begun = self._change(1)
        try:
            yield
        finally:
            seconds = self._change(-1) - begun
            with self._lock:
                self._own[channel] = _Bucket(self._own_left(channel) - seconds, self._now())

    def has_time(self, channel: str) -> bool:
        """Return whether an attempt on a channel may begin."""
        with self._lock:
            left, bound = self._left(), self._bound
            return left > 0 or (left > -bound.reserve and self._own_left(channel) > 0)

    def _change(self, attempts: int) -> float:
        with self._lock:
            now = self._now()
            self._all = _Bucket(self._left(), now)
            self._under_way += attempts
            return now

    def _left(self) -> float:
        seconds = max(0.0, self._now() - self._all.at)
        used = seconds if self._under_way else 0.0
        refilled = self._all.left + seconds * self._bound.share - used
        return min(self._bound.all_channels, refilled)

    def _own_left(self, channel: str) -> float:
        bucket = self._own.get(channel)
        if bucket is None:
            return self._bound.own
        seconds = max(0.0, self._now() - bucket.at)
        return min(self._bound.own, bucket.left + seconds * self._bound.own_share)
