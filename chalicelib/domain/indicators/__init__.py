"""Technical indicators as TA-Lib computes them, bar by bar.

Each class takes one bar with `update` and returns its value, or None before the first valid value.
`lookback` is the number of bars before the first value.

Values are floats, for display; prices may be Decimal or float and are converted on entry. Crosses
are not decided here: `signals` compares averages exactly. EMA, RSI, MACD and ATR depend on all bars
since the first one given, by TA-Lib's convention.

All classes raise ValueError for a window below 1.
"""

from chalicelib.domain.indicators.atr import ATR
from chalicelib.domain.indicators.bollinger import Bands, Bollinger
from chalicelib.domain.indicators.ema import EMA
from chalicelib.domain.indicators.macd import MACD, MACDValue
from chalicelib.domain.indicators.rsi import RSI
from chalicelib.domain.indicators.sma import SMA
from chalicelib.domain.indicators.vwap import VWAP

__all__ = [
    "ATR",
    "EMA",
    "MACD",
    "RSI",
    "SMA",
    "VWAP",
    "Bands",
    "Bollinger",
    "MACDValue",
]
