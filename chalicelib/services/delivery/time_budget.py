"""Limit the time that a container waits for receivers (docs/decisions/0306).

An invocation lasts as long as its slowest channel, and the next alerts wait for its end. The time
during which any attempt is under way therefore has one limit for all channels.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class TimeBound(NamedTuple):
    """The limits of the time in which attempts are under way. All channels share a bucket that
    holds `all_channels` seconds and is refilled by `share` seconds per second.

    If the bucket is empty, an established channel that is quick may overdraw it by `reserve`. For
    digests and urgent alerts it may overdraw it by `reserve_of_urgent`. The channel must have time
    left in its own bucket, which holds `own` seconds and is refilled by `own_share`. After an
    attempt of `slow` seconds or more, a channel is not quick for `penalty` times that long.
    """

    all_channels: float
    share: float
    reserve: float
    reserve_of_urgent: float
    own: float
    own_share: float
    slow: float
    penalty: float


TIME = TimeBound(
    all_channels=10.0,
    share=0.3,
    reserve=12.0,
    reserve_of_urgent=20.0,
    own=1.0,
    own_share=1 / 100,
    slow=1.0,
    penalty=2000.0,
)


class Attempt:
    """An attempt that is under way. `excused` has the seconds that are not the channel's fault.
    They count against the shared time of all channels, but not against the channel's own time."""

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.excused = 0.0


class _Bucket(NamedTuple):
    """The seconds that were left in a bucket at an instant."""

    left: float
    at: float


class TimeBudget:
    """Measures the time that a container waits for receivers. Several threads share it. `now` is a
    clock in seconds."""

    def __init__(self, now: Callable[[], float], bound: TimeBound = TIME) -> None:
        self._now = now
        self._bound = bound
        self._all = _Bucket(bound.all_channels, now())
        self._own: dict[str, _Bucket] = {}
        self._slow_until: dict[str, float] = {}
        self._attempts: dict[str, list[Attempt]] = {}
        self._under_way = 0
        self._lock = threading.Lock()

    @contextmanager
    def attempt(self, channel: str) -> Iterator[Attempt]:
        """Count the time of an attempt that is made on a channel in this context. If several
        attempts are under way, the shared time is counted once. Each channel's own time is counted
        in full."""
        attempt = Attempt(self._change(1))
        with self._lock:
            self._attempts.setdefault(channel, []).append(attempt)
        try:
            yield attempt
        finally:
            self._change(-1)
            with self._lock:
                self._ended(channel, attempt)

    def has_time(self, channel: str, *, is_established: bool, is_urgent: bool = False) -> bool:
        """Return whether an attempt on a channel may begin."""
        reserve = self._bound.reserve_of_urgent if is_urgent else self._bound.reserve
        with self._lock:
            left = self._left()
            if left > 0 or left <= -reserve or not is_established:
                return left > 0
            return self._is_quick(channel) and self._own_left(channel) > 0

    def is_quick(self, channel: str) -> bool:
        """Return whether a channel is quick. It is not quick while an attempt on it is slow, or
        while the penalty of an earlier slow attempt lasts."""
        with self._lock:
            return self._is_quick(channel)

    def _is_quick(self, channel: str) -> bool:
        now, slow = self._now(), self._bound.slow
        return now >= self._slow_until.get(channel, now) and all(
            now - attempt.begun - attempt.excused < slow
            for attempt in self._attempts.get(channel, ())
        )

    def _ended(self, channel: str, attempt: Attempt) -> None:
        self._attempts[channel].remove(attempt)
        if not self._attempts[channel]:
            del self._attempts[channel]
        now = self._now()
        seconds = max(0.0, now - attempt.begun - attempt.excused)
        self._own[channel] = _Bucket(self._own_left(channel) - seconds, now)
        if seconds >= self._bound.slow:
            until = now + self._bound.penalty * seconds
            self._slow_until[channel] = max(until, self._slow_until.get(channel, until))

    def _change(self, attempts: int) -> float:
        """Add `attempts`, which may be negative, to those under way. Return the time."""
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
