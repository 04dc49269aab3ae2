"""Waiting longer after each failure, with full jitter.

Full jitter spreads clients best: each waits a random time between nothing and the exponential
bound (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import random


class Backoff:
    """Delays for one thing that fails: uniform in [0, min(most, first * 2^failures))."""

    def __init__(self, first_seconds: float, most_seconds: float, rng: random.Random) -> None:
        self._first = first_seconds
        self._most = most_seconds
        self._rng = rng
        self.failures = 0

    def failed(self) -> float:
        """Count a failure; seconds to wait before the next attempt."""
        bound = min(self._most, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return self._rng.uniform(0, bound)

    def succeeded(self) -> None:
        """Start over."""
        self.failures = 0
