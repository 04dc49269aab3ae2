"""Simple moving average."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import fsum

from chalicelib.domain.indicators.inputs import Number, checked_window


class SMA:
    """Mean of the last `window` prices.

    Summed anew each time, exactly rounded: a running sum would carry the rounding errors of
    prices long gone.
    """

    def __init__(self, window: int) -> None:
        self.lookback = checked_window(window) - 1
        self._prices: deque[float] = deque(maxlen=window)

    def update(self, price: Number) -> float | None:
        """The mean after one more price."""
        self._prices.append(float(price))
        if len(self._prices) <= self.lookback:
            return None
        return fsum(self._prices) / len(self._prices)


def sma(prices: Iterable[Number], window: int) -> list[float | None]:
    """SMA after each price."""
    average = SMA(window)
    return [average.update(price) for price in prices]
