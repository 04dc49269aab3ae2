"""The requested indicators: their column names and their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.indicators import ATR, EMA, MACD, RSI, SMA, VWAP, Bollinger

Kind = Literal["sma", "ema", "rsi", "macd", "bbands", "atr", "vwap"]

_NOTHING = (None, None, None)

DECIMALS = 8
"""Decimal places that values are rounded to: runs with different starts agree on them."""

_SMOOTHING = 40
"""The number of windows after which a Wilder average no longer depends on where it began."""

_SESSION_BARS = {"1m": 1920, "5m": 384, "15m": 128, "30m": 64, "1h": 32}
"""The most bars of a session: VWAP starts at its first one. That is 32 hours' worth: a local day
may have 25 hours, and a currency's ticks from Friday's close to midnight belong to Friday, whose
session began on Thursday evening."""


class BarColumns(msgspec.Struct, frozen=True):
    """Bars in order as one array of floats per field, converted once for all indicators.

    `prices` are the closes as stored, for exact sums.
    """

    prices: list[Decimal]
    highs: list[float]
    lows: list[float]
    closes: list[float]
    volumes: list[float]
    sessions: list[str]

    @classmethod
    def of(cls, bars: Sequence[Bar]) -> BarColumns:
        """Convert bars to columns."""
        return cls(
            [bar.close for bar in bars],
            [float(bar.high) for bar in bars],
            [float(bar.low) for bar in bars],
            [float(bar.close) for bar in bars],
            [float(bar.volume or 0) for bar in bars],
            [bar.session_date or bar.start[:10] for bar in bars],
        )

    def after(self, count: int) -> BarColumns:
        """Return all but the first `count` bars."""
        fields = msgspec.structs.astuple(self)
        return BarColumns(*(values[count:] for values in fields))


class Study(msgspec.Struct, frozen=True):
    """One indicator with its windows, e.g. `Study("macd", (12, 26, 9))`."""

    kind: Kind
    numbers: tuple[float, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of its columns, windows included: `sma_20`, `macd_signal_12_26_9`."""
        suffix = "".join(f"_{number:g}" for number in self.numbers)
        if self.kind == "macd":
            return f"macd{suffix}", f"macd_signal{suffix}", f"macd_histogram{suffix}"
        if self.kind == "bbands":
            return f"bbands_upper{suffix}", f"bbands_middle{suffix}", f"bbands_lower{suffix}"
        return (f"{self.kind}{suffix}",)

    @property
    def needs_bars(self) -> bool:
        """Return whether it needs more than prices."""
        return self.kind in ("atr", "vwap")

    def warm_up(self, interval: str) -> int:
        """Return how many bars before the first one shown its value depends on, to DECIMALS
        places."""
        longest = int(max(self.numbers, default=0))
        if self.kind in ("sma", "bbands"):
            return longest - 1
        if self.kind == "vwap":
            return _SESSION_BARS.get(interval, 0)
        return _SMOOTHING * longest + longest

    def values(self, bars: BarColumns, skip: int) -> list[list[float | None]]:
        """Return its columns, with a value after each bar but the first `skip`; None before the
        first valid one."""
        found = list(self._run(bars))[skip:]
        if self.kind in ("macd", "bbands"):
            three = (_NOTHING if one is None else msgspec.structs.astuple(one) for one in found)
            found_by_column = zip(*three, strict=True)
            return [_rounded(column) for column in found_by_column] or [[], [], []]
        return [_rounded(found)]

    def _run(self, bars: BarColumns) -> Iterable[Any]:
        whole = [int(number) for number in self.numbers]
        match self.kind:
            case "sma":
                return map(SMA(*whole).update, bars.prices)
            case "bbands":
                return map(Bollinger(whole[0], self.numbers[1]).update, bars.prices)
            case "ema":
                return map(EMA(*whole).update, bars.closes)
            case "rsi":
                return map(RSI(*whole).update, bars.closes)
            case "macd":
                return map(MACD(*whole).update, bars.closes)
            case "atr":
                return map(ATR(*whole).update, bars.highs, bars.lows, bars.closes)
            case "vwap":
                fields = bars.highs, bars.lows, bars.closes, bars.volumes, bars.sessions
                return map(VWAP().update, *fields)


def _rounded(values: Iterable[float | None]) -> list[float | None]:
    return [None if value is None else round(value, DECIMALS) for value in values]
