"""Average true range."""

from __future__ import annotations

from chalicelib.domain.indicators.inputs import Number, checked_window
from chalicelib.domain.indicators.smoothing import WilderAverage


class ATR:
    """Wilder's average of true ranges: a bar's range, stretched to the previous close.

    The first bar has no previous close and therefore no true range.
    """

    def __init__(self, window: int = 14) -> None:
        self.lookback = checked_window(window)
        self._average = WilderAverage(window)
        self._previous_close: float | None = None

    def update(self, high: Number, low: Number, close: Number) -> float | None:
        """Return the average after one more bar."""
        previous, self._previous_close = self._previous_close, float(close)
        if previous is None:
            return None
        return self._average.update(max(float(high), previous) - min(float(low), previous))
