"""Exponential backoff with full jitter.

Full jitter spreads clients best: each waits a random time between zero and the exponential bound
(Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import random


class Backoff:
    """Delays between retries: uniform in [0, min(most, first * 2^failures))."""

    def __init__(self, first_seconds: float, most_seconds: float, rng: random.Random) -> None:
        self._first = first_seconds
        self._most = most_seconds
        self._rng = rng
        self.failures = 0

    def failed(self, share: float | None = None) -> float:
        """Count a failure and return the seconds to wait before the next attempt.

        The delay is `share` of the bound, in [0, 1). It is random by default; callers that failed
        together can pass the same share to retry together.
        """
        bound = min(self._most, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return bound * (self._rng.random() if share is None else share)

    def succeeded(self) -> None:
        """Reset after a success."""
        self.failures = 0
