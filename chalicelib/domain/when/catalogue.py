"""The catalogue of the values that a condition may name.

`domain/when/leaf_values.py` computes the values, with the classes of `domain/indicators`.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from chalicelib.domain.rules import MAX_WINDOW

INTERVALS = ("1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo")
FIELDS = ("open", "high", "low", "close", "volume")

MAX_DEVIATIONS = 10
_FADED_EMA = 13
_FADED_WILDER = 26
"""After this many windows the start of an average changes its value by less than 1 in 10^11."""

_SESSION_BARS = {"1m": 1920, "5m": 384, "15m": 128, "30m": 64, "1h": 32}
"""The most bars of a session, which are the same as for the API's VWAP."""


class Number(msgspec.Struct, frozen=True):
    """A number that a value needs: its name in JSON, its bounds, and its default if it has one."""

    name: str
    default: Decimal | None = None
    most: int = MAX_WINDOW
    whole: bool = True

    @property
    def allowed(self) -> str:
        """Return in words which numbers are allowed."""
        if self.whole:
            return f"a whole number from 1 to {self.most}"
        return f"a number above 0, at most {self.most}, with at most four decimals"

    def takes(self, number: Decimal) -> bool:
        """Return whether a number is allowed."""
        if not number.is_finite() or not 0 < number <= self.most:
            return False
        return number == round(number, 0 if self.whole else 4)


class Entry(msgspec.Struct, frozen=True):
    """A value: its words for people, its numbers, and in `of` its default price. With a default, a
    condition may choose another price, or must choose one (`must_choose`). The value depends on
    `more` bars and `windows` times its largest number of bars; with `session`, on the session's
    bars."""

    words: str
    numbers: tuple[Number, ...] = ()
    of: str = ""
    must_choose: bool = False
    windows: int = 1
    more: int = 0
    session: bool = False


def _window(default: int | None = None) -> Number:
    return Number("window", None if default is None else Decimal(default))


_MACD = (Number("fast", Decimal(12)), Number("slow", Decimal(26)), Number("signal", Decimal(9)))
_BANDS = (_window(20), Number("deviations", Decimal(2), MAX_DEVIATIONS, whole=False))

CATALOGUE: dict[str, Entry] = {
    "close": Entry("the close of the bar; on ticks the price"),
    "open": Entry("the open of the bar"),
    "high": Entry("the high of the bar"),
    "low": Entry("the low of the bar"),
    "volume": Entry("the volume of the bar"),
    "sma": Entry("the simple average of closes", (_window(),)),
    "ema": Entry("the exponential average of closes", (_window(),), windows=_FADED_EMA),
    "rsi": Entry("the relative strength index", (_window(14),), windows=_FADED_WILDER),
    "macd": Entry("the MACD line", _MACD, windows=2 * _FADED_EMA),
    "macd_signal": Entry("the signal line of MACD", _MACD, windows=2 * _FADED_EMA),
    "macd_histogram": Entry("MACD less its signal line", _MACD, windows=2 * _FADED_EMA),
    "bb_upper": Entry("the upper Bollinger band", _BANDS),
    "bb_middle": Entry("the middle Bollinger band", _BANDS),
    "bb_lower": Entry("the lower Bollinger band", _BANDS),
    "bb_percent": Entry("percent b: 0 at the lower band, 1 at the upper", _BANDS),
    "bb_width": Entry("the distance of the bands, in percent of the middle one", _BANDS),
    "atr": Entry("the average true range", (_window(14),), windows=_FADED_WILDER),
    "vwap": Entry("the session's volume-weighted average price", session=True),
    "mean": Entry("the mean of a price or of the volume", (_window(),), "close", must_choose=True),
    "highest": Entry("the highest of some bars, of their highs by default", (_window(),), "high"),
    "lowest": Entry("the lowest of some bars, of their lows by default", (_window(),), "low"),
    "change": Entry("the change of the close over some bars, in percent", (_window(),), more=1),
    "gap": Entry("the session's open against the close before it, in percent", session=True),
    "day_change": Entry("the close against the session before, in percent", session=True),
    "from_high": Entry("the close against the highest high, in percent", (_window(252),)),
}
"""The values by name, in the order in which the documentation lists them."""


def bars_needed(name: str, numbers: tuple[Decimal, ...], interval: str) -> int:
    """Return how many bars of an interval a value depends on, including the newest bar."""
    entry = CATALOGUE[name]
    if entry.session:
        return _SESSION_BARS.get(interval, 2) + 1
    largest = max((int(n) for n, one in zip(numbers, entry.numbers, strict=True) if one.whole),
                  default=1)  # fmt: skip
    return largest * entry.windows + entry.more + (1 if entry.windows > 1 else 0)
