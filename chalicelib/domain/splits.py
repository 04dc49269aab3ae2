"""Splits, as a source tells of them, or as they show in quotes: the previous close that a source
gives no longer fits the last close that was stored.

Yahoo's history is split-adjusted whatever one asks for (ranaroussi/yfinance issue 2076), and so is
the previous close that its quotes bring on the day of a split. Prices from before do not fit what
comes after, and averages over both would invent a cross.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from chalicelib.domain.ticks import DECIMALS, HIGHEST_PRICE, number

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


MAX_SPLITS = 12
"""So many splits of a symbol are remembered, the newest ones."""

DatedClose = tuple[str, Decimal]
"""A session's date and a close in it."""


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
        rounded = number(price * self.denominator / self.numerator)
        return min(max(rounded, DECIMALS), HIGHEST_PRICE)

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


def with_split(splits: Sequence[Split], split: Split) -> tuple[Split, ...]:
    """Splits in order and one more; the oldest ones are dropped above MAX_SPLITS."""
    return (*splits, split)[-MAX_SPLITS:]


def adjusted(price: Decimal, date: str, splits: Iterable[Split]) -> Decimal:
    """A price as it was in the session of a date, counted as after all splits since."""
    for split in splits:
        if date < split.date:
            price = split.adjust(price)
    return price


def adjusted_closes(closes: Iterable[DatedClose], splits: Sequence[Split]) -> list[Decimal]:
    """Stored closes in order, all counted as after all splits, which are in order.

    Those before a split are taken as they are once a fresh backfill has adjusted them for it.
    """
    rows = list(closes)
    if not (rows and splits and rows[0][0] < splits[-1].date):
        return [close for _, close in rows]
    for place in reversed(range(len(splits))):
        split = splits[place]
        last = next((close for date, close in reversed(rows) if date < split.date), None)
        if last is None:
            continue
        before = adjusted(split.before, split.date, splits[place + 1 :])
        if msgspec.structs.replace(split, before=before).is_unadjusted(last):
            rows = [
                (date, split.adjust(close) if date < split.date else close) for date, close in rows
            ]
    return [close for _, close in rows]
