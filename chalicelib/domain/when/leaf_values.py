"""Computes the values of the catalogue bar by bar, with the classes of `domain/indicators`.

Averages of prices, sums and extremes are exact. The indicators' floats are rounded to eight
decimals, as in the API's answers, so that a value does not depend on where its series began.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter

from chalicelib.domain.bars import Bar
from chalicelib.domain.indicators.atr import ATR
from chalicelib.domain.indicators.bollinger import Bands, Bollinger
from chalicelib.domain.indicators.ema import EMA
from chalicelib.domain.indicators.macd import MACD, MACDValue
from chalicelib.domain.indicators.rsi import RSI
from chalicelib.domain.indicators.sma import SMA
from chalicelib.domain.indicators.vwap import VWAP
from chalicelib.domain.when.nodes import Leaf

DECIMALS = 8
_HUNDRED = Decimal(100)


LeafValue = Callable[[Bar], Decimal | None]
"""Takes the next bar of a series and returns the value after this bar; None while it is unknown."""


def leaf_value(leaf: Leaf) -> LeafValue:
    """Return a new function that takes bars one by one and computes a leaf's value."""
    made = _MAKERS[leaf.name](leaf)
    return _Ago(made, leaf.ago) if leaf.ago else made


def _exact(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(round(value, DECIMALS)))


class _Ago:
    """The value that another function returned some bars ago."""

    def __init__(self, of: LeafValue, ago: int) -> None:
        self._of = of
        self._last: deque[Decimal | None] = deque([None] * ago, ago)

    def __call__(self, bar: Bar) -> Decimal | None:
        found = self._last[0]
        self._last.append(self._of(bar))
        return found


def _field(leaf: Leaf) -> LeafValue:
    return attrgetter(leaf.of or leaf.name)


class _Mean:
    """The mean of a price or the volume; unknown if the volume of one of its bars is unknown."""

    def __init__(self, name: str, window: int) -> None:
        self._name, self._window = name, window
        self._mean = SMA(window)

    def __call__(self, bar: Bar) -> Decimal | None:
        value = getattr(bar, self._name)
        if value is None:
            self._mean = SMA(self._window)
            return None
        self._mean.update(value)
        return self._mean.exact


class _Extreme:
    """The highest or lowest price over some bars; `sign` is 1 for the highest.

    Keeps in order only the bars that may still become the extreme.
    """

    def __init__(self, name: str, window: int, sign: int) -> None:
        self._name, self._window, self._sign = name, window, sign
        self._kept: deque[tuple[int, Decimal]] = deque()
        self._count = 0
        self._unknown_at = 0

    def __call__(self, bar: Bar) -> Decimal | None:
        self._count += 1
        value = getattr(bar, self._name)
        if value is None:
            self._unknown_at = self._count
        else:
            while self._kept and self._sign * (self._kept[-1][1] - value) <= 0:
                self._kept.pop()
            self._kept.append((self._count, value))
        if self._kept and self._kept[0][0] <= self._count - self._window:
            self._kept.popleft()
        known = self._count - self._unknown_at >= self._window
        return self._kept[0][1] if known and self._kept else None


class _Change:
    """The change of the close over some bars, in percent."""

    def __init__(self, window: int) -> None:
        self._closes: deque[Decimal] = deque(maxlen=window + 1)

    def __call__(self, bar: Bar) -> Decimal | None:
        self._closes.append(bar.close)
        if len(self._closes) < (self._closes.maxlen or 0):
            return None
        return percent(bar.close, self._closes[0])


class _Session:
    """The change in percent from the last session's close to this session's open or close."""

    def __init__(self, *, at_open: bool) -> None:
        self._at_open = at_open
        self._date = ""
        self._before: Decimal | None = None
        self._last: Decimal | None = None
        self._open = Decimal(0)

    def __call__(self, bar: Bar) -> Decimal | None:
        if bar.session_date != self._date:
            self._date, self._before, self._open = bar.session_date, self._last, bar.open
        self._last = bar.close
        return percent(self._open if self._at_open else bar.close, self._before)


class _FromHigh:
    """The distance of the close from the highest high of some bars, in percent."""

    def __init__(self, window: int) -> None:
        self._high = _Extreme("high", window, 1)

    def __call__(self, bar: Bar) -> Decimal | None:
        return percent(bar.close, self._high(bar))


def percent(value: Decimal, reference: Decimal | None) -> Decimal | None:
    """Return how far a value is from a reference, in percent of it; None without a reference."""
    return (value - reference) * _HUNDRED / reference if reference else None


def _of_close(update: Callable[[Decimal], float | None]) -> LeafValue:
    return lambda bar: _exact(update(bar.close))


def _macd(part: str) -> Callable[[Leaf], LeafValue]:
    def make(leaf: Leaf) -> LeafValue:
        macd = MACD(*map(int, leaf.numbers))

        def update(bar: Bar) -> Decimal | None:
            found: MACDValue | None = macd.update(bar.close)
            return None if found is None else _exact(getattr(found, part))

        return update

    return make


def _bands(part: Callable[[Bands, Bar], float | None]) -> Callable[[Leaf], LeafValue]:
    def make(leaf: Leaf) -> LeafValue:
        window, deviations = leaf.numbers
        bands = Bollinger(int(window), float(deviations))

        def update(bar: Bar) -> Decimal | None:
            found = bands.update(bar.close)
            return None if found is None else _exact(part(found, bar))

        return update

    return make


def _percent_b(bands: Bands, bar: Bar) -> float | None:
    width = bands.upper - bands.lower
    return (float(bar.close) - bands.lower) / width if width > 0 else None


def _width(bands: Bands, _: Bar) -> float | None:
    return 100 * (bands.upper - bands.lower) / bands.middle if bands.middle else None


def _atr(leaf: Leaf) -> LeafValue:
    average = ATR(_window(leaf))
    return lambda bar: _exact(average.update(bar.high, bar.low, bar.close))


def _vwap(_: Leaf) -> LeafValue:
    average = VWAP()
    return lambda bar: _exact(
        average.update(bar.high, bar.low, bar.close, bar.volume, bar.session_date)
    )


def _window(leaf: Leaf) -> int:
    return int(leaf.numbers[0])


_MAKERS: dict[str, Callable[[Leaf], LeafValue]] = {
    **dict.fromkeys(("close", "open", "high", "low", "volume"), _field),
    "sma": lambda leaf: _Mean("close", _window(leaf)),
    "mean": lambda leaf: _Mean(leaf.of, _window(leaf)),
    "ema": lambda leaf: _of_close(EMA(_window(leaf)).update),
    "rsi": lambda leaf: _of_close(RSI(_window(leaf)).update),
    "macd": _macd("macd"),
    "macd_signal": _macd("signal"),
    "macd_histogram": _macd("histogram"),
    "bb_upper": _bands(lambda bands, _: bands.upper),
    "bb_middle": _bands(lambda bands, _: bands.middle),
    "bb_lower": _bands(lambda bands, _: bands.lower),
    "bb_percent": _bands(_percent_b),
    "bb_width": _bands(_width),
    "atr": _atr,
    "vwap": _vwap,
    "highest": lambda leaf: _Extreme(leaf.of, _window(leaf), 1),
    "lowest": lambda leaf: _Extreme(leaf.of, _window(leaf), -1),
    "change": lambda leaf: _Change(_window(leaf)),
    "gap": lambda _: _Session(at_open=True),
    "day_change": lambda _: _Session(at_open=False),
    "from_high": lambda leaf: _FromHigh(_window(leaf)),
}
