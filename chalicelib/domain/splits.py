"""Splits, as a source tells of them, or as they show in quotes: the previous close that a source
gives no longer fits the last close that was stored.

Yahoo's history is split-adjusted whatever one asks for (ranaroussi/yfinance issue 2076), and so is
the previous close that its quotes bring on the day of a split. Prices from before do not fit what
comes after, and averages over both would invent a cross.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import msgspec

from chalicelib.domain.ticks import DECIMALS, PRICE_LIMIT

_FORWARD = (
    *(Fraction(n) for n in (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)),
    Fraction(3, 2),
    Fraction(4, 3),
    Fraction(5, 4),
    Fraction(5, 2),
)
RATIOS = (*_FORWARD, *(1 / ratio for ratio in _FORWARD))
"""New shares for one old share; below 1 for a reverse split."""

TOLERANCE = Fraction(4, 100)
"""The last stored price may lie that far from the official close. Dividends move it by less than
the smallest ratio does."""


class Split(msgspec.Struct, frozen=True, array_like=True):
    """A split that takes effect with the first tick of a session.

    `numerator` new shares for `denominator` old ones; `before` is the last close before it, not
    adjusted.
    """

    date: str
    numerator: int
    denominator: int
    before: Decimal

    def adjust(self, price: Decimal) -> Decimal:
        """A price from before the split, as it is counted after it: rounded as prices are, and
        within what a price may be, so never 0."""
        adjusted = price * self.denominator / self.numerator
        return min(max(adjusted.quantize(DECIMALS, ROUND_HALF_EVEN), DECIMALS), PRICE_LIMIT)

    def is_unadjusted(self, close: Decimal) -> bool:
        """Whether the last close stored before the split is still counted as before it.

        Judged by which of the two it lies nearer to, in proportion.
        """
        squared = Fraction(close) ** 2 * self.numerator
        middle = Fraction(self.before) ** 2 * self.denominator
        return squared > middle if self.numerator > self.denominator else squared < middle


def told_split(date: str, ratio: str, before: Decimal) -> Split:
    """The split that a tick tells of, as "5:1" (see docs/producer.md); `before` is the last price
    that was stored."""
    numerator, denominator = ratio.split(":")
    return Split(date, int(numerator), int(denominator), before)


def find_split(date: str, last_close: Decimal, previous_close: Decimal) -> Split | None:
    """The split between the last price of a session and the previous close that a tick of the very
    next session gives; None where they fit within what dividends and a missed minute explain."""
    seen = Fraction(last_close) / Fraction(previous_close)
    fitting = [ratio for ratio in RATIOS if abs(seen / ratio - 1) <= TOLERANCE]
    if not fitting or abs(seen - 1) <= 2 * TOLERANCE:
        return None
    ratio = min(fitting, key=lambda candidate: abs(seen / candidate - 1))
    return Split(date, ratio.numerator, ratio.denominator, last_close)


def adjusted_closes(dated: Iterable[tuple[str, Decimal]], split: Split | None) -> Sequence[Decimal]:
    """Closes in order, given with their session dates, all counted as after the split.

    They are taken as they are once a fresh backfill has replaced the history.
    """
    rows = list(dated)
    before = [close for date, close in rows if split is not None and date < split.date]
    if split is None or not before or not split.is_unadjusted(before[-1]):
        return [close for _, close in rows]
    return [split.adjust(close) if date < split.date else close for date, close in rows]
