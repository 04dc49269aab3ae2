"""Bollinger bands."""

from __future__ import annotations

from collections import deque
from math import sqrt

import msgspec

from chalicelib.domain.indicators.inputs import UNITS, Number, checked_window, in_units


class Bands(msgspec.Struct, frozen=True):
    """A moving average, and a line at some standard deviations above and below it."""

    upper: float
    middle: float
    lower: float


class Bollinger:
    """SMA of `window` prices, plus and minus `deviations` standard deviations of the same prices.

    The standard deviation is the population's (divided by `window`), as in Bollinger and TA-Lib,
    not the sample's as in pandas' `rolling().std()`. Sums and squares are kept in whole units, so
    their difference is exact.
    """

    def __init__(self, window: int = 20, deviations: float = 2) -> None:
        self.lookback = checked_window(window) - 1
        self._deviations = deviations
        self._prices: deque[int] = deque([0] * window, window)
        self._sum = self._squares = 0
        self._missing = window
        self._window = window

    def update(self, price: Number) -> Bands | None:
        """Return the bands after one more price."""
        newest, oldest = in_units(price), self._prices[0]
        self._prices.append(newest)
        self._sum += newest - oldest
        self._squares += newest * newest - oldest * oldest
        if self._missing > 1:
            self._missing -= 1
            return None
        divisor = self._window * UNITS
        middle = self._sum / divisor
        variance = (self._window * self._squares - self._sum * self._sum) / (divisor * divisor)
        distance = self._deviations * sqrt(variance)
        return Bands(middle + distance, middle, middle - distance)
