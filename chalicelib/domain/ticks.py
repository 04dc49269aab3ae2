"""A tick: one observed price of a symbol at an instant, as received and as stored."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Literal

import msgspec

from chalicelib.domain.errors import TickError

Mode = Literal["live", "replay", "backfill"]

SYMBOL = re.compile(r"(?=[^A-Z0-9]*[A-Z0-9])[A-Z0-9.\-=^_]{1,24}")
SYMBOL_ALLOWED = "1 to 24 of A-Z 0-9 . - = ^ _, a letter or digit among them"

DECIMALS = Decimal("0.00000001")
"""The archive's type of prices is DECIMAL(20,8). Finer values are rounded half to even."""

HIGHEST_PRICE = Decimal("999999999999.99999999")
"""The highest price that a DECIMAL(20,8) holds. The lowest price is DECIMALS."""

HIGHEST_VOLUME = Decimal("999999999999999999.99999999")
"""The highest volume that a DECIMAL(26,8) holds, the archive's type of volumes."""

_ZERO = Decimal(0)

UNKNOWN_SOURCE = "unknown"

_YAHOO = "yfinance"

_PERCENT_DIGITS = Decimal("0.0001")
_PRICES_KEPT = 8192

_USUAL_SIZE = DECIMALS.__sizeof__()
"""Bytes of a number with some 70 digits at most. Results for longer numbers are not cached."""


class Tick(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One price of a symbol. Its identity is `(symbol, timestamp)`.

    `open`, `high`, `low` and `volume` are those of the session so far, `previous_close` is the last
    session's close. Prices are in `currency`; `timestamp` is stored text. `split` is "5:1" if five
    shares replaced one at this session.
    """

    symbol: str
    timestamp: str
    price: Decimal
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    previous_close: Decimal | None = None
    volume: Decimal | None = None
    currency: str | None = None
    exchange_timezone: str | None = None
    market_state: str | None = None
    source: str = UNKNOWN_SOURCE
    mode: Mode = "live"
    split: str | None = None

    @property
    def instant(self) -> str:
        """Return the instant for which the tick's source must be the source of the series."""
        return self.timestamp


NUMBERS = ("price", "open", "high", "low", "previous_close", "volume")
"""The fields that are numbers, in the order in which the stores keep them."""

LABELS = ("currency", "exchange_timezone", "market_state", "source")
"""The fields that are free text."""

MAX_LABEL = 64
LABEL_FORM = rf"[A-Za-z0-9][A-Za-z0-9 ._:/+()&-]{{0,{MAX_LABEL - 1}}}"
LABEL_ALLOWED = (
    f"a letter or digit, then at most {MAX_LABEL - 1} of A-Z a-z 0-9 . _ : / + ( ) & - and space"
)


class Enriched(msgspec.Struct, frozen=True):
    """Values derived from a single tick. A value is None if the tick lacks a needed field."""

    change: Decimal | None
    change_percent: Decimal | None
    moving_average: Decimal | None
    anomaly: bool


def enrich(tick: Tick, anomaly_percent: Decimal) -> Enriched:
    """Return the change against the previous close (percent to four digits), the mean of open,
    high, low and price, and whether the change exceeds `anomaly_percent` in either direction.

    The exact change is compared, not its rounded percentage.
    """
    change = percent = average = None
    anomaly = False
    if tick.previous_close is not None:
        change = tick.price - tick.previous_close
        exact = change * 100 / tick.previous_close
        percent = exact.quantize(_PERCENT_DIGITS, ROUND_HALF_EVEN)
        anomaly = abs(change) * 100 > anomaly_percent * tick.previous_close
    if tick.open is not None and tick.high is not None and tick.low is not None:
        average = (tick.open + tick.high + tick.low + tick.price) / 4
    return Enriched(change, percent, average, anomaly)


def parse_symbol(text: object) -> str:
    """Return a symbol in its stored form, in upper case. Raises TickError."""
    symbol = text.upper() if isinstance(text, str) else ""
    if not SYMBOL.fullmatch(symbol):
        raise TickError("symbol", text, SYMBOL_ALLOWED)
    return symbol


def family(source: str) -> str:
    """Return the family of a source. Sources of one family have the same prices, such as Yahoo's
    polled and pushed prices, so a series may mix these sources."""
    return _YAHOO if source.startswith(_YAHOO) else source


_SHOWN = 40
"""The most characters of a number that messages show."""


def number(value: Decimal) -> Decimal:
    """Return `value` with at most eight decimals, without an exponent, trailing zeros or a negative
    zero.

    Raises ValueError for a number that needs more than 28 digits.
    """
    try:
        if value.as_tuple().exponent < -8:  # type: ignore[operator]  # finite was checked before
            value = value.quantize(DECIMALS, ROUND_HALF_EVEN)
        value = value.normalize() if value else Decimal(0)
        return value if value.as_tuple().exponent <= 0 else value.quantize(Decimal(1))  # type: ignore[operator]
    except ArithmeticError:
        raise ValueError(f"{str(value)[:_SHOWN]} has too many digits") from None


def as_price(value: Decimal) -> Decimal | None:
    """Return a price in its stored form; None unless it is above 0 and below 10^12."""
    return within(value, DECIMALS, HIGHEST_PRICE)


def as_volume(value: Decimal) -> Decimal | None:
    """Return a volume in its stored form; None unless it is at least 0 and below 10^18."""
    return within(value, _ZERO, HIGHEST_VOLUME)


def within(value: Decimal, lowest: Decimal, highest: Decimal) -> Decimal | None:
    """Return a number in its stored form, with at most eight decimals; None if it is out of bounds.

    Numbers are also checked before rounding: some just below 0 would round to 0, and some have too
    many digits to round.
    """
    if not value.is_finite():
        return None
    keeps = value.__sizeof__() <= _USUAL_SIZE
    return _kept(value, lowest, highest) if keeps else _within(value, lowest, highest)


def _within(value: Decimal, lowest: Decimal, highest: Decimal) -> Decimal | None:
    if _ZERO <= value < highest + 1:
        rounded = number(value)
        if lowest <= rounded <= highest:
            return rounded
    return None


_kept = lru_cache(_PRICES_KEPT)(_within)  # ticks mostly repeat earlier numbers
