"""Relative strength index."""

from __future__ import annotations

from chalicelib.domain.indicators.inputs import Number, checked_window
from chalicelib.domain.indicators.smoothing import WilderAverage

FLAT = 1e-14  # TA-Lib's threshold for zero


class RSI:
    """Wilder's share of gains in all price changes, 0 to 100.

    The value is None while prices do not change. TA-Lib gives 0, which would read as the strongest
    possible decline.
    """

    def __init__(self, window: int = 14) -> None:
        self.lookback = checked_window(window)
        self._gain = WilderAverage(window)
        self._loss = WilderAverage(window)
        self._previous: float | None = None

    def update(self, price: Number) -> float | None:
        """Return the index after one more price."""
        current, previous = float(price), self._previous
        self._previous = current
        if previous is None:
            return None
        gain = self._gain.update(max(current - previous, 0.0))
        loss = self._loss.update(max(previous - current, 0.0))
        if gain is None or loss is None or gain + loss < FLAT:
            return None
        return 100 * (gain / (gain + loss))
