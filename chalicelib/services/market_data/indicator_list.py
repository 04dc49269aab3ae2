"""The indicators of the API. To add an indicator, add an entry here and a class in
domain/indicators."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from chalicelib.domain.indicators import ATR, EMA, MACD, RSI, SMA, VWAP, Bollinger
from chalicelib.services.market_data.bar_columns import BarColumns

MAX_WINDOW = 400
MAX_OF_A_KIND = 10
MAX_DEVIATIONS = 10

_SMOOTHING = 40
"""The number of windows after which a Wilder average no longer depends on where it began."""

_SESSION_BARS = {"1m": 1920, "5m": 384, "15m": 128, "30m": 64, "1h": 32}
"""The most bars of a session, from the first of which VWAP is computed. They cover 32 hours. A
local day may have 25 hours. A currency's ticks from Friday's close to midnight belong to Friday's
session, which began on Thursday evening."""

_WHOLE = re.compile(r"\d{1,4}", re.ASCII)
_FRACTION = re.compile(r"\d{1,2}(\.\d{1,4})?", re.ASCII)

Numbers = tuple[Any, ...]
"""The numbers of one indicator: windows (whole numbers) and factors."""


class Indicator(msgspec.Struct, frozen=True):
    """The definition of an indicator. Its key in INDICATORS is the name of its parameter.

    allowed: the allowed values of the parameter, in words.
    read: returns the numbers of each indicator that a value asks for; empty if invalid.
    values: returns a value for each bar, or a struct for several columns; None before the first.
    warm_up: returns how many earlier bars a value depends on, given the numbers and the interval.
    columns: the names of the values, without numbers; if empty, the name of the parameter.
    needs_bars: whether the indicator needs whole bars. Others also work with prices alone.
    """

    allowed: str
    read: Callable[[Sequence[str]], list[Numbers]]
    values: Callable[[BarColumns, Numbers], Iterable[Any]]
    warm_up: Callable[[Numbers, str], int]
    columns: tuple[str, ...] = ()
    needs_bars: bool = False


def _window(text: str) -> int | None:
    """Return the window that a text names; None if the text is invalid."""
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MAX_WINDOW:
        return None
    return int(text)


def _windows(parts: Sequence[str]) -> list[Numbers]:
    numbers = [_window(part) for part in parts]
    if len(parts) > MAX_OF_A_KIND or None in numbers:
        return []
    return [(number,) for number in dict.fromkeys(numbers)]


def _fast_slow_signal(parts: Sequence[str]) -> list[Numbers]:
    numbers = [number for number in map(_window, parts) if number]
    valid = len(parts) == len(numbers) == 3 and numbers[0] < numbers[1]
    return [tuple(numbers)] if valid else []


def _window_and_deviations(parts: Sequence[str]) -> list[Numbers]:
    if len(parts) != 2 or not _FRACTION.fullmatch(parts[1]):
        return []
    window, deviations = _window(parts[0]), float(parts[1])
    return [(window, deviations)] if window and 0 < deviations <= MAX_DEVIATIONS else []


def _session(parts: Sequence[str]) -> list[Numbers]:
    return [()] if list(parts) == ["session"] else []


def _allowed_windows(example: str) -> str:
    return f"up to {MAX_OF_A_KIND} windows from 1 to {MAX_WINDOW}, such as {example}"


def _in_window(numbers: Numbers, interval: str) -> int:  # noqa: ARG001
    return int(max(numbers)) - 1


def _smoothed(numbers: Numbers, interval: str) -> int:  # noqa: ARG001
    return (_SMOOTHING + 1) * int(max(numbers))


def _in_session(numbers: Numbers, interval: str) -> int:  # noqa: ARG001
    return _SESSION_BARS.get(interval, 0)


INDICATORS: dict[str, Indicator] = {
    "sma": Indicator(
        _allowed_windows("5,20"),
        _windows,
        lambda bars, numbers: map(SMA(*numbers).update, bars.prices),
        _in_window,
    ),
    "ema": Indicator(
        _allowed_windows("12,26"),
        _windows,
        lambda bars, numbers: map(EMA(*numbers).update, bars.closes),
        _smoothed,
    ),
    "rsi": Indicator(
        _allowed_windows("14"),
        _windows,
        lambda bars, numbers: map(RSI(*numbers).update, bars.closes),
        _smoothed,
    ),
    "macd": Indicator(
        f"fast,slow,signal from 1 to {MAX_WINDOW}, fast below slow, such as 12,26,9",
        _fast_slow_signal,
        lambda bars, numbers: map(MACD(*numbers).update, bars.closes),
        _smoothed,
        columns=("macd", "macd_signal", "macd_histogram"),
    ),
    "bbands": Indicator(
        f"window,deviations: 1 to {MAX_WINDOW}, above 0 to {MAX_DEVIATIONS}, such as 20,2",
        _window_and_deviations,
        lambda bars, numbers: map(Bollinger(*numbers).update, bars.prices),
        _in_window,
        columns=("bbands_upper", "bbands_middle", "bbands_lower"),
    ),
    "atr": Indicator(
        _allowed_windows("14"),
        _windows,
        lambda bars, numbers: map(ATR(*numbers).update, bars.highs, bars.lows, bars.closes),
        _smoothed,
        needs_bars=True,
    ),
    "vwap": Indicator(
        "session",
        _session,
        lambda bars, _: map(
            VWAP().update, bars.highs, bars.lows, bars.closes, bars.volumes, bars.sessions
        ),
        _in_session,
        needs_bars=True,
    ),
}
"""The indicators by parameter, in the order of the columns of an answer."""
