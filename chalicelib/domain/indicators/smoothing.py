"""The initial values of smoothed averages, and Wilder's smoothing."""

from __future__ import annotations

from math import fsum

from chalicelib.domain.indicators.inputs import Number, checked_window


class FirstMean:
    """Mean of the first `window` values, exactly rounded."""

    def __init__(self, window: int) -> None:
        self._window = checked_window(window)
        self._values: list[float] = []

    def update(self, value: Number) -> float | None:
        """Return the mean at the last of the first `window` values; None before that value."""
        self._values.append(float(value))
        if len(self._values) < self._window:
            return None
        return fsum(self._values) / self._window


class WilderAverage:
    """Average with weight 1 / window on the newest value, which begins with the first values' mean.
    From "New Concepts in Technical Trading Systems" (1978)."""

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
