"""Bollinger bands."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import fsum, sqrt

import msgspec

from chalicelib.domain.indicators.inputs import Number, checked_window


class Bands(msgspec.Struct, frozen=True):
    """A moving average and the lines a number of deviations above and below it."""

    upper: float
    middle: float
    lower: float


class Bollinger:
    """SMA of `window` prices, plus and minus `deviations` of the same prices.

    The deviation is the population's (divided by `window`), as Bollinger and TA-Lib have it, not
    the sample's that pandas' `rolling().std()` gives.
    """

    def __init__(self, window: int = 20, deviations: float = 2) -> None:
        self.lookback = checked_window(window) - 1
        self._deviations = deviations
        self._prices: deque[float] = deque(maxlen=window)

    def update(self, price: Number) -> Bands | None:
        """The bands after one more price."""
        self._prices.append(float(price))
        if len(self._prices) <= self.lookback:
            return None
        middle = fsum(self._prices) / len(self._prices)
        variance = fsum((price - middle) ** 2 for price in self._prices) / len(self._prices)
        distance = self._deviations * sqrt(variance)
        return Bands(middle + distance, middle, middle - distance)


def bollinger(
    prices: Iterable[Number], window: int = 20, deviations: float = 2
) -> list[Bands | None]:
    """Bollinger bands after each price."""
    bands = Bollinger(window, deviations)
    return [bands.update(price) for price in prices]
