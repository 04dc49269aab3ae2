"""Exponential moving average."""

from __future__ import annotations

from chalicelib.domain.indicators.inputs import Number
from chalicelib.domain.indicators.smoothing import FirstMean


class EMA:
    """Average with weight 2 / (window + 1) on the newest price.

    The average begins with the mean of the first `window` prices. pandas' `ewm(adjust=False)`
    begins with the first price instead and differs for a while.
    """

    def __init__(self, window: int) -> None:
        self._seed = FirstMean(window)
        self._weight = 2 / (window + 1)
        self._value: float | None = None
        self.lookback = window - 1

    def update(self, price: Number) -> float | None:
        """Return the average after one more price."""
        if self._value is None:
            self._value = self._seed.update(price)
        else:
            self._value += (float(price) - self._value) * self._weight
        return self._value
