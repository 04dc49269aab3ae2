"""Prices as whole numbers, whose running sums are exact."""

from __future__ import annotations

from decimal import Decimal

from chalicelib.domain.indicators.inputs import Number

_DIGITS = 18
UNITS: int = 10**_DIGITS
"""Units in 1. Prices have at most eight decimals, so each is a whole number of units."""


def in_units(price: Number) -> int:
    """Return a price in units; smaller fractions are cut off."""
    if isinstance(price, Decimal):
        return int(price.scaleb(_DIGITS))
    return int(price * UNITS)
