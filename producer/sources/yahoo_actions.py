"""Reads splits and dividends from Yahoo's history.

Yahoo adjusts closes and dividends for all splits up to now. Multiplying them by the splits after an
action gives the action's numbers as of its ex-date.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from chalicelib.domain.actions import HIGHEST_RATIO, Action, scaled_price
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import from_text
from producer.wire import WireTick, decimal_of, tick_of_action

SOURCE = "yfinance"
_FINEST_SPLIT = 1000
_MOST_ACTIONS = 2_000
"""The newest actions of a symbol that are sent. Four dividends a year for a century are 400."""


def split_of(ratio: object) -> str | None:
    """Convert Yahoo's new shares per old share, such as 5.0 or 0.1, to "5:1" or "1:10". Return None
    without a split, and for a ratio above HIGHEST_RATIO."""
    value = decimal_of(ratio)
    if not value or not 0 < value <= HIGHEST_RATIO or value == 1:
        return None
    exact = Fraction(value).limit_denominator(_FINEST_SPLIT)
    return f"{exact.numerator}:{exact.denominator}" if exact else None


def dividend_of(amount: object) -> Decimal | None:
    """Return a dividend; None if it is missing or not above 0."""
    value = decimal_of(amount)
    return value if value and value > 0 else None


def actions_in(symbol: str, frame: Any, known_at: str) -> list[WireTick]:
    """Return the newest splits and dividends in daily bars, by date. Their `known_at` is the given
    time. A dividend before the first close is left out."""
    made = partial(Action, symbol=symbol, known_at=known_at, source=SOURCE)
    found: list[Action] = []
    later = Fraction(1)
    rows = _rows(frame)
    known = zip(rows, _closes_before(rows), strict=True)
    for (day, _, dividend, split), before in reversed(list(known)):
        if len(found) >= _MOST_ACTIONS:
            break
        if dividend is not None and before is not None:
            amount, close = scaled_price(dividend, later), scaled_price(before, later)
            found.append(made(kind="dividend", ex_date=day, amount=amount, previous_close=close))
        if split is not None:
            new, old = map(int, split.split(":"))
            later *= Fraction(new, old)
            found.append(made(kind="split", ex_date=day, ratio=split))
    return [tick_of_action(action) for action in reversed(found)]


_Row = tuple[str, Decimal | None, Decimal | None, str | None]
"""A day, its close, its dividend and its split."""


def _rows(frame: Any) -> list[_Row]:
    if not {"Dividends", "Stock Splits"} <= set(frame.columns):
        return []
    names = ("Close", "Dividends", "Stock Splits")
    days = (start.date().isoformat() for start in frame.index)
    values = zip(days, *(frame[name] for name in names), strict=True)
    return [
        (day, dividend_of(float(close)), dividend_of(dividend), split_of(split))
        for day, close, dividend, split in values
    ]


def _closes_before(rows: list[_Row]) -> list[Decimal | None]:
    """Return the last close before each row; None for rows without an earlier close."""
    found: list[Decimal | None] = []
    last: Decimal | None = None
    for _, close, _, _ in rows:
        found.append(last)
        last = close or last
    return found


def dividend_in(tick: WireTick, known_at: str) -> Action | None:
    """Remove the dividend from a quote and return it as an action; None without a dividend."""
    amount, tick.dividend = tick.dividend, None
    if amount is None or tick.previous_close is None:
        return None
    session = calendar_for(tick.symbol, tick.exchange_timezone).session_at(
        from_text(tick.timestamp)
    )
    return Action(
        symbol=tick.symbol,
        kind="dividend",
        ex_date=session.date.isoformat(),
        known_at=known_at,
        source=SOURCE,
        amount=amount,
        previous_close=tick.previous_close,
    )
