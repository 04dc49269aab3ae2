"""The requested indicators, with the names and values of their columns."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chalicelib.services.market_data.bar_columns import BarColumns
from chalicelib.services.market_data.indicator_list import INDICATORS, Indicator, Numbers

DECIMALS = 8
"""The decimal places of values. Computations that begin at different bars agree to this many
places."""


class Study(msgspec.Struct, frozen=True):
    """An indicator of INDICATORS with its numbers, e.g. `Study("macd", (12, 26, 9))`."""

    kind: str
    numbers: Numbers = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns with their numbers: `sma_20`, `macd_signal_12_26_9`."""
        suffix = "".join(f"_{number:g}" for number in self.numbers)
        return tuple(f"{name}{suffix}" for name in self._indicator.columns or (self.kind,))

    @property
    def needs_bars(self) -> bool:
        """Return whether the indicator needs whole bars, not only prices."""
        return self._indicator.needs_bars

    def warm_up(self, interval: str) -> int:
        """Return how many bars before the first row affect the values, to DECIMALS places."""
        return self._indicator.warm_up(self.numbers, interval)

    def values(self, bars: BarColumns, skip: int) -> list[list[float | None]]:
        """Return the columns. Each has a value after each bar, without the first `skip` bars. A
        value is None if the indicator has not begun."""
        found = list(self._indicator.values(bars, self.numbers))[skip:]
        if not self._indicator.columns:
            return [_rounded(found)]
        nothing = (None,) * len(self.columns)
        rows = (nothing if one is None else msgspec.structs.astuple(one) for one in found)
        by_column = zip(*rows, strict=True)
        return [_rounded(column) for column in by_column] or [[] for _ in self.columns]

    @property
    def _indicator(self) -> Indicator:
        return INDICATORS[self.kind]


def _rounded(values: Iterable[float | None]) -> list[float | None]:
    return [None if value is None else round(value, DECIMALS) for value in values]
