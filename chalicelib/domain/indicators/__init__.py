"""Technical indicators as TA-Lib computes them, bar by bar or over a series.

Each class takes one bar with `update` and gives its value, or None before the first valid one;
`lookback` is the number of bars before that. Each function runs its class over a series and gives
one value a bar, so both agree by construction.

Values are floats, for display; prices may come as Decimal or float and are converted on entry.
Crosses are not decided here: signals compare them exactly. EMA, RSI, MACD and ATR depend on all
bars since the first one given, by TA-Lib's convention.

All raise ValueError for a window below 1.
"""

from chalicelib.domain.indicators.atr import ATR, atr
from chalicelib.domain.indicators.bollinger import Bands, Bollinger, bollinger
from chalicelib.domain.indicators.ema import EMA, ema
from chalicelib.domain.indicators.macd import MACD, MACDValue, macd
from chalicelib.domain.indicators.rsi import RSI, rsi
from chalicelib.domain.indicators.sma import SMA, sma
from chalicelib.domain.indicators.vwap import VWAP, vwap

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
    "atr",
    "bollinger",
    "ema",
    "macd",
    "rsi",
    "sma",
    "vwap",
]
