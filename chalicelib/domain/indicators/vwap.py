"""Volume-weighted average price of a session."""

from __future__ import annotations

from datetime import date

from chalicelib.domain.indicators.inputs import Number


class VWAP:
    """Mean typical price (high, low and close) of a session's bars, weighted by volume.

    The mean restarts with each session date, and is None while the session has no volume. A bar
    with unknown volume (None) adds nothing.
    """

    lookback = 0

    def __init__(self) -> None:
        self._session: date | str | None = None
        self._traded = 0.0
        self._volume = 0.0

    def update(
        self, high: Number, low: Number, close: Number, volume: Number | None, session: date | str
    ) -> float | None:
        """Return the average after one more bar; `session` is the bar's session date."""
        if session != self._session:
            self._session, self._traded, self._volume = session, 0.0, 0.0
        weight = float(volume or 0)
        self._traded += (float(high) + float(low) + float(close)) / 3 * weight
        self._volume += weight
        return self._traded / self._volume if self._volume > 0 else None
