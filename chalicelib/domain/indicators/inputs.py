"""Checks and converts the inputs of indicators. Prices become whole numbers, so that running sums
are exact."""

from __future__ import annotations

from decimal import Decimal

Number = float | Decimal

_DIGITS = 18
UNITS: int = 10**_DIGITS
"""Units in 1. Prices have at most eight decimals, so each is a whole number of units."""


def checked_window(window: int, name: str = "window") -> int:
    """Return `window`, a number of bars. Raises ValueError, which calls it `name`, if it is below
    1."""
    if window < 1:
        raise ValueError(f"{name} is {window}; at least 1 bar is needed")
    return window


def in_units(price: Number) -> int:
    """Return a price as a whole number of units. Smaller fractions are cut off."""
    if isinstance(price, Decimal):
        return int(price.scaleb(_DIGITS))
    return int(price * UNITS)
