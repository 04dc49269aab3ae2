"""Simple moving average."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from chalicelib.domain.indicators.inputs import UNITS, Number, checked_window, in_units


class SMA:
    """Mean of the last `window` prices.

    The sum is kept in whole units, so it accumulates no rounding errors. The result is the float
    nearest to the exact mean, wherever the series began.
    """

    def __init__(self, window: int) -> None:
        self.lookback = checked_window(window) - 1
        self._prices: deque[int] = deque([0] * window, window)
        self._sum = 0
        self._missing = window
        self._divisor = window * UNITS

    def update(self, price: Number) -> float | None:
        """Return the mean after one more price."""
        newest = in_units(price)
        self._sum += newest - self._prices[0]
        self._prices.append(newest)
        if self._missing:
            self._missing -= 1
            if self._missing:
                return None
        return self._sum / self._divisor

    @property
    def exact(self) -> Decimal | None:
        """Return the mean to the 28 digits of Python's decimals; None before `window` prices."""
        return None if self._missing else Decimal(self._sum) / self._divisor
