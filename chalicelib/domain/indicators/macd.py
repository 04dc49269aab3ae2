"""Moving average convergence divergence."""

from __future__ import annotations

import msgspec

from chalicelib.domain.indicators.ema import EMA
from chalicelib.domain.indicators.inputs import Number, checked_window


class MACDValue(msgspec.Struct, frozen=True):
    """The MACD line (a difference of two EMAs), the signal line (its EMA), and their difference."""

    macd: float
    signal: float
    histogram: float


class MACD:
    """The MACD line EMA(fast) - EMA(slow), and its EMA as the signal line.

    As in TA-Lib both EMAs have their first value on the same bar: the fast EMA begins with the mean
    of the last `fast` of the first `slow` bars (14 to 25 for 12 and 26). There are no values before
    the signal line's first value (bar 33). Raises ValueError if `fast` is not below `slow`.
    """

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        if checked_window(fast, "fast") >= slow:
            raise ValueError(f"fast is {fast}, slow {slow}; fast must be below slow")
        self.lookback = slow + checked_window(signal, "signal") - 2
        self._bars_before_fast = slow - fast
        self._fast, self._slow, self._signal = EMA(fast), EMA(slow), EMA(signal)

    def update(self, price: Number) -> MACDValue | None:
        """Return the three values after one more price."""
        slow, fast = self._slow.update(price), self._update_fast(price)
        if fast is None or slow is None:
            return None
        line = fast - slow
        signal = self._signal.update(line)
        return None if signal is None else MACDValue(line, signal, line - signal)

    def _update_fast(self, price: Number) -> float | None:
        if self._bars_before_fast:
            self._bars_before_fast -= 1
            return None
        return self._fast.update(price)
