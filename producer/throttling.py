"""Limits requests to a source: a token bucket, and a circuit breaker after a refusal."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

REQUESTS_PER_SECOND = 2.0
BURST_REQUESTS = 60
"""With REQUESTS_PER_SECOND the rate that Yahoo was seen to allow: 20 symbols every 15 s succeed,
many more do not."""

FIRST_OPEN_SECONDS = 60.0
MOST_OPEN_SECONDS = 900.0
_MOST_JITTER = 1.25


class TokenBucket:
    """A bucket that gains `rate` tokens a second and holds at most `burst` tokens."""

    def __init__(
        self, rate: float, burst: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._tokens = burst
        self._filled = now()

    def missing_seconds(self, count: int) -> float:
        """Return the seconds until `count` tokens are available. `count` is at most the burst."""
        self._fill()
        return max(0.0, (min(count, self._burst) - self._tokens) / self._rate)

    def take(self, count: int, stop: threading.Event) -> bool:
        """Take `count` tokens, waiting for them. Return False if `stop` was set first. More than
        the burst may be taken at once; the balance then becomes negative."""
        if stop.wait(self.missing_seconds(count)):
            return False
        self._fill()
        self._tokens -= count
        return True

    def _fill(self) -> None:
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now


class CircuitBreaker:
    """A circuit that opens for 1 to 15 minutes after a refusal, doubling with each further refusal.

    The jitter adds up to a quarter, so that producers that were refused together do not retry
    together. After the wait a single request is tried (`is_half_open`) before all others.
    """

    def __init__(
        self,
        first_seconds: float = FIRST_OPEN_SECONDS,
        most_seconds: float = MOST_OPEN_SECONDS,
        rng: random.Random | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first = first_seconds
        self._most = most_seconds
        self._rng = rng or random.Random()  # noqa: S311 - jitter
        self._now = now
        self._failures = 0
        self._until = 0.0

    def refused(self) -> float:
        """Open the circuit. Return the seconds until a request may be tried."""
        bound = self._first * 2.0 ** min(self._failures, 30)
        seconds = min(self._most, bound * self._rng.uniform(1.0, _MOST_JITTER))
        self._failures += 1
        self._until = self._now() + seconds
        return seconds

    def pause(self) -> None:
        """Open the circuit for as long as after a first refusal, however often this is called.

        Called after a refusal of another kind of request to the same source, or after a trial
        request without an answer.
        """
        seconds = min(self._most, self._first * self._rng.uniform(1.0, _MOST_JITTER))
        self._failures = max(1, self._failures)
        self._until = max(self._until, self._now() + seconds)

    def answered(self) -> None:
        """Close the circuit, since the source has answered."""
        self._failures = 0

    def resume(self, refusals: int, open_seconds: float) -> None:
        """Continue with an earlier process's refusals and remaining open seconds. The wait is
        capped at the longest time: clocks may have changed in between."""
        self._failures = refusals
        self._until = self._now() + min(open_seconds, self._most)

    @property
    def refusals(self) -> int:
        """Return the number of refusals since the last answer."""
        return self._failures

    @property
    def open_seconds(self) -> float:
        """Return the seconds until a request may be tried; 0 if the circuit is not open."""
        return max(0.0, self._until - self._now())

    @property
    def is_closed(self) -> bool:
        """Return whether all requests are allowed."""
        return self._failures == 0

    @property
    def is_half_open(self) -> bool:
        """Return whether only one request may be tried."""
        return self._failures > 0 and not self.open_seconds


def longest_open_seconds(refusals: int) -> float:
    """Return the longest time in seconds that a circuit is open after this many refusals (1 or
    more)."""
    bound = FIRST_OPEN_SECONDS * 2.0 ** min(refusals - 1, 30)
    return min(MOST_OPEN_SECONDS, bound * _MOST_JITTER)
