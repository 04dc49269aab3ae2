"""Bars as columns, from which indicators are computed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from chalicelib.domain.bars import Bar


class BarColumns(msgspec.Struct, frozen=True):
    """Bars in order, as one array of floats per field. All indicators share the arrays.

    `prices` has the closes as stored, for exact sums.
    """

    prices: list[Decimal]
    highs: list[float]
    lows: list[float]
    closes: list[float]
    volumes: list[float]
    sessions: list[str]

    @classmethod
    def of(cls, bars: Sequence[Bar]) -> BarColumns:
        """Return bars as columns."""
        return cls(
            [bar.close for bar in bars],
            [float(bar.high) for bar in bars],
            [float(bar.low) for bar in bars],
            [float(bar.close) for bar in bars],
            [float(bar.volume or 0) for bar in bars],
            [bar.session_date or bar.start[:10] for bar in bars],
        )

    def after(self, count: int) -> BarColumns:
        """Return the columns without the first `count` bars."""
        fields = msgspec.structs.astuple(self)
        return BarColumns(*(values[count:] for values in fields))
