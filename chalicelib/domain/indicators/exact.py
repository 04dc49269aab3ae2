"""Prices as whole numbers, whose sums are exact and can be kept up by adding and taking away."""

from __future__ import annotations

from decimal import Decimal

from chalicelib.domain.indicators.inputs import Number

_DIGITS = 18
UNITS: int = 10**_DIGITS
"""Units in 1. Prices have at most eight decimals, so each is a whole number of units."""


def in_units(price: Number) -> int:
    """A price in units; what is smaller than one is cut off."""
    if isinstance(price, Decimal):
        return int(price.scaleb(_DIGITS))
    return int(price * UNITS)
