"""Which indicators are asked for, what their columns are called, and their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.indicators import ATR, EMA, MACD, RSI, SMA, VWAP, Bollinger

Kind = Literal["sma", "ema", "rsi", "macd", "bbands", "atr", "vwap"]
Values = tuple[float | None, ...]

_AVERAGES: dict[str, type[SMA | EMA | RSI]] = {"sma": SMA, "ema": EMA, "rsi": RSI}

DECIMALS = 8
"""Digits that values are rounded to: two runs that start elsewhere agree on them."""

_SMOOTHING = 40
"""Bars for each bar of a window until a Wilder average has forgotten where it began."""

_SESSION_BARS = {"1m": 1440, "5m": 288, "15m": 96, "30m": 48, "1h": 24}
"""How many bars a session has at most: VWAP counts from its first one."""


class Study(msgspec.Struct, frozen=True):
    """One indicator with its windows, e.g. `Study("macd", (12, 26, 9))`."""

    kind: Kind
    numbers: tuple[float, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns, windows included: `sma_20`, `macd_signal_12_26_9`."""
        suffix = "".join(f"_{number:g}" for number in self.numbers)
        if self.kind == "macd":
            return f"macd{suffix}", f"macd_signal{suffix}", f"macd_histogram{suffix}"
        if self.kind == "bbands":
            return f"bbands_upper{suffix}", f"bbands_middle{suffix}", f"bbands_lower{suffix}"
        return (f"{self.kind}{suffix}",)

    @property
    def needs_bars(self) -> bool:
        """Whether prices alone are not enough."""
        return self.kind in ("atr", "vwap")

    def warm_up(self, interval: str) -> int:
        """How many bars before the first one shown its value depends on, to DECIMALS digits."""
        longest = int(max(self.numbers, default=0))
        if self.kind in ("sma", "bbands"):
            return longest - 1
        if self.kind == "vwap":
            return _SESSION_BARS.get(interval, 0)
        return _SMOOTHING * longest + longest

    def values(self, bars: Sequence[Bar]) -> Iterator[Values]:
        """Its columns' values after each bar; None before the first valid one."""
        update = self._update()
        for bar in bars:
            yield tuple(None if value is None else round(value, DECIMALS) for value in update(bar))

    def _update(self) -> Callable[[Bar], Values]:
        whole = [int(number) for number in self.numbers]
        if self.kind == "macd":
            return _macd(MACD(*whole))
        if self.kind == "bbands":
            return _bands(Bollinger(whole[0], self.numbers[1]))
        if self.kind == "atr":
            atr = ATR(whole[0])
            return lambda bar: (atr.update(bar.high, bar.low, bar.close),)
        if self.kind == "vwap":
            return _vwap(VWAP())
        average = _AVERAGES[self.kind](whole[0])
        return lambda bar: (average.update(bar.close),)


def _macd(macd: MACD) -> Callable[[Bar], Values]:
    def update(bar: Bar) -> Values:
        value = macd.update(bar.close)
        return (value.macd, value.signal, value.histogram) if value else (None, None, None)

    return update


def _bands(bollinger: Bollinger) -> Callable[[Bar], Values]:
    def update(bar: Bar) -> Values:
        bands = bollinger.update(bar.close)
        return (bands.upper, bands.middle, bands.lower) if bands else (None, None, None)

    return update


def _vwap(vwap: VWAP) -> Callable[[Bar], Values]:
    def update(bar: Bar) -> Values:
        session = bar.session_date or bar.start[:10]
        return (vwap.update(bar.high, bar.low, bar.close, bar.volume, session),)

    return update
