"""Crosses of two simple moving averages, in exact fractions.

Written from the definition alone: both averages as fractions, the sign of their difference, and a
cross wherever that sign differs from the last one that was not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

Price = Fraction | Decimal | int | str


class Cross(NamedTuple):
    """A cross at the price with this number, counted from 0; kind as the rules name it."""

    position: int
    kind: str


def averages(prices: Iterable[Price], window: int) -> list[Fraction | None]:
    """Return the mean of the last `window` prices at each price; None before that many."""
    exact = [Fraction(price) for price in prices]
    return [
        sum(exact[end - window : end], Fraction(0)) / window if end >= window else None
        for end in range(1, len(exact) + 1)
    ]


def signs(prices: Sequence[Price], fast: int, slow: int) -> list[int | None]:
    """-1, 0 or 1 as the fast average lies below, on or above the slow one; None before both."""
    pairs = zip(averages(prices, fast), averages(prices, slow), strict=True)
    return [None if a is None or b is None else (a > b) - (a < b) for a, b in pairs]


def crosses(prices: Sequence[Price], fast: int, slow: int) -> list[Cross]:
    """Return every cross, in order. They alternate; the very first sign is not a cross."""
    found = []
    side = 0
    for position, sign in enumerate(signs(prices, fast, slow)):
        if not sign:
            continue
        if sign == -side:
            found.append(Cross(position, "golden_cross" if sign > 0 else "death_cross"))
        side = sign
    return found


def moves_above(prices: Sequence[Price], percent: Price) -> list[int]:
    """Return where a price is more than `percent` from the previous one, either way."""
    exact = [Fraction(price) for price in prices]
    return [
        index
        for index in range(1, len(exact))
        if abs(exact[index] / exact[index - 1] - 1) * 100 > Fraction(percent)
    ]
