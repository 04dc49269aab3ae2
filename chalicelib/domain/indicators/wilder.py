"""Wilder's smoothing, from "New Concepts in Technical Trading Systems" (1978)."""

from __future__ import annotations

from chalicelib.domain.indicators.seeds import FirstMean


class WilderAverage:
    """Average with weight 1 / window on the newest value, seeded with the first values' mean."""

    def __init__(self, window: int) -> None:
        self._seed = FirstMean(window)
        self._window = window
        self._value: float | None = None

    def update(self, value: float) -> float | None:
        """Return the average after one more value; None for the first `window - 1`."""
        if self._value is None:
            self._value = self._seed.update(value)
        else:
            self._value = (self._value * (self._window - 1) + value) / self._window
        return self._value
