"""Decides price signals exactly, on decimals and never on rounded averages."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chalicelib.domain.running_closes import RunningCloses


def average_side(closes: Sequence[Decimal], fast: int, slow: int) -> int | None:
    """Return the sign of SMA(fast) - SMA(slow) over the newest closes; None if there are fewer than
    `slow` closes.

    Compared as `slow * sum(fast closes)` against `fast * sum(slow closes)`, which is exact.
    """
    if len(closes) < slow:
        return None
    difference = slow * _total(closes, fast) - fast * _total(closes, slow)
    return (difference > 0) - (difference < 0)


def _total(closes: Sequence[Decimal], count: int) -> Decimal:
    if isinstance(closes, RunningCloses):
        return closes.total(count)
    return sum(closes[-count:], Decimal(0))


def crosses_up(previous: Decimal | None, price: Decimal, level: Decimal) -> bool:
    """Return whether the price was at or below `level` before and is now strictly above it
    (TradingView's rule)."""
    return previous is not None and previous <= level < price


def crosses_down(previous: Decimal | None, price: Decimal, level: Decimal) -> bool:
    """Return whether the price was at or above `level` before and is now strictly below it."""
    return previous is not None and previous >= level > price


def moved_more_than(price: Decimal, reference: Decimal | None, percent: Decimal) -> bool:
    """Return whether `price` is strictly more than `percent` away from `reference`, either way.

    False if the reference is None or 0, which states of older versions may have.
    """
    if not reference:
        return False
    return abs(price - reference) * 100 > percent * reference
