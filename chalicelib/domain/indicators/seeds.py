"""Initial values of smoothed averages."""

from __future__ import annotations

from math import fsum

from chalicelib.domain.indicators.inputs import Number, checked_window


class FirstMean:
    """Mean of the first `window` values, exactly rounded."""

    def __init__(self, window: int) -> None:
        self._window = checked_window(window)
        self._values: list[float] = []

    def update(self, value: Number) -> float | None:
        """Return the mean at the last of the first `window` values; None before it."""
        self._values.append(float(value))
        if len(self._values) < self._window:
            return None
        return fsum(self._values) / self._window
