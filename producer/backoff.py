"""Exponential backoff with full jitter.

With full jitter each client waits a random time between zero and the exponential bound. That
spreads clients best (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import random


class Backoff:
    """Computes delays between retries: random in [0, min(most, first * 2^failures)) seconds."""

    def __init__(self, first_seconds: float, most_seconds: float, rng: random.Random) -> None:
        self._first = first_seconds
        self._most = most_seconds
        self._rng = rng
        self.failures = 0

    def failed(self, share: float | None = None) -> float:
        """Count a failure and return the seconds to wait before the next attempt.

        The delay is the bound times `share`, a number in [0, 1) that is random by default. Callers
        that failed together can pass the same share to retry together.
        """
        bound = min(self._most, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return bound * (self._rng.random() if share is None else share)

    def succeeded(self) -> None:
        """Reset the delay after a success."""
        self.failures = 0
