"""Splits: reported by a source, or inferred from a previous close that no longer matches the last
stored close.

Yahoo's history is always split-adjusted (ranaroussi/yfinance issue 2076), and so is the previous
close in its quotes on the day of a split. Earlier prices do not match later ones, and averages over
both would show false crosses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from chalicelib.domain.actions import Action, scaled_price
from chalicelib.domain.ticks import DECIMALS, HIGHEST_PRICE, number

_FORWARD = (
    *(Fraction(n) for n in (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)),
    Fraction(3, 2),
    Fraction(4, 3),
    Fraction(5, 4),
    Fraction(5, 2),
)
RATIOS = (*_FORWARD, *(1 / ratio for ratio in _FORWARD))
"""Numbers of new shares for one old share. Reverse splits have ratios below 1."""

TOLERANCE = Fraction(4, 100)
"""The largest relative difference between the last stored price and the official close. A dividend
makes less of a difference than the smallest ratio."""


MAX_SPLITS = 12
"""The most splits remembered per symbol. Older splits are dropped."""

DatedClose = tuple[str, Decimal]
"""A session's date and a close in it."""


class Split(msgspec.Struct, frozen=True, array_like=True):
    """A split that takes effect with the first tick of a session.

    `numerator` new shares replace `denominator` old shares. `before` is the last close before the
    split, not adjusted for it.
    """

    date: str
    numerator: int
    denominator: int
    before: Decimal

    @property
    def factor(self) -> Fraction:
        """Return the factor for prices from before the split."""
        return Fraction(self.denominator, self.numerator)

    @property
    def volume_factor(self) -> Fraction:
        """Return the factor for volumes from before the split."""
        return 1 / self.factor

    def adjust(self, price: Decimal) -> Decimal:
        """Return a price from before the split, adjusted. It is rounded like prices and stays
        within their bounds, so it is never 0."""
        rounded = number(price * self.denominator / self.numerator)
        return min(max(rounded, DECIMALS), HIGHEST_PRICE)

    def is_unadjusted(self, close: Decimal) -> bool:
        """Return whether `close`, the last close before the split, is not adjusted for it yet.

        It is unadjusted if, in proportion, it is nearer to `before` than to the adjusted `before`.
        """
        squared = Fraction(close) ** 2 * self.numerator
        middle = Fraction(self.before) ** 2 * self.denominator
        return squared > middle if self.numerator > self.denominator else squared < middle


class Told(Split, frozen=True, array_like=True):
    """A split or dividend that a source reported as a corporate action. Prices before it always
    count as unadjusted, so they are always adjusted. The factor is `denominator` / `numerator`,
    whatever `before` is."""

    is_dividend: bool = False

    @classmethod
    def of(cls, action: Action) -> Told:
        """Return a corporate action as a Told."""
        factor = action.factor
        numerator, denominator = factor.denominator, factor.numerator
        is_dividend = action.kind == "dividend"
        return cls(action.ex_date, numerator, denominator, Decimal(1), is_dividend=is_dividend)

    @property
    def volume_factor(self) -> Fraction:
        """Return 1 for a dividend, which does not change volumes. For a split, see Split."""
        return Fraction(1) if self.is_dividend else super().volume_factor

    def adjust(self, price: Decimal) -> Decimal:
        """Adjust a price; a dividend's numbers may have too many digits for a product of
        Decimals."""
        return scaled_price(price, self.factor)

    def is_unadjusted(self, close: Decimal) -> bool:  # noqa: ARG002 - the signature is Split's
        """Return True: closes before a reported action count as unadjusted and are not tested."""
        return True


def reported_split(date: str, ratio: str, before: Decimal) -> Split:
    """Return the split that a tick reports as a ratio such as "5:1" (docs/producer.md). `before` is
    the last stored price."""
    numerator, denominator = ratio.split(":")
    return Split(date, int(numerator), int(denominator), before)


def find_split(date: str, last_close: Decimal, previous_close: Decimal) -> Split | None:
    """Return the split between a session's last price and the previous close in a tick of the next
    session.

    None if dividends and a missed minute could explain the difference.
    """
    seen = Fraction(last_close) / Fraction(previous_close)
    fitting = [ratio for ratio in RATIOS if abs(seen / ratio - 1) <= TOLERANCE]
    if not fitting or abs(seen - 1) <= 2 * TOLERANCE:
        return None
    ratio = min(fitting, key=lambda candidate: abs(seen / candidate - 1))
    return Split(date, ratio.numerator, ratio.denominator, last_close)


def with_split(splits: Sequence[Split], split: Split) -> tuple[Split, ...]:
    """Append a split to splits in order. The oldest ones are dropped above MAX_SPLITS."""
    return (*splits, split)[-MAX_SPLITS:]


def adjusted(price: Decimal, date: str, splits: Iterable[Split]) -> Decimal:
    """Return a price of a date's session, adjusted for all later splits."""
    for split in splits:
        if date < split.date:
            price = split.adjust(price)
    return price


def unadjusted(
    splits: Sequence[Split], last_close: Callable[[str], DatedClose | None]
) -> list[Split]:
    """Return, in order, the splits for which the stored prices before them are not adjusted yet.
    Every Told is among them.

    `last_close` returns the last stored close before a date, or None if there is none.
    """
    found: list[Split] = []
    for place in reversed(range(len(splits))):
        split = splits[place]
        if isinstance(split, Told):
            found.append(split)
            continue
        last = last_close(split.date)
        if last is None:
            continue
        day, close = last
        adjusted_split = _with_before_adjusted(split, splits[place + 1 :])
        if adjusted_split.is_unadjusted(adjusted(close, day, reversed(found))):
            found.append(split)
    return found[::-1]


def adjusted_closes(closes: Iterable[DatedClose], splits: Sequence[Split]) -> list[Decimal]:
    """Return stored closes adjusted for all splits. Closes and splits are in order.

    Closes before a split stay as they are if a later backfill has already adjusted them for it.
    """
    rows = list(closes)
    if not (rows and splits and rows[0][0] < splits[-1].date):
        return [close for _, close in rows]
    for place in reversed(range(len(splits))):
        split = splits[place]
        last = next((close for date, close in reversed(rows) if date < split.date), None)
        if last is None:
            break
        if _with_before_adjusted(split, splits[place + 1 :]).is_unadjusted(last):
            rows = [
                (date, split.adjust(close) if date < split.date else close) for date, close in rows
            ]
    return [close for _, close in rows]


def _with_before_adjusted(split: Split, later: Iterable[Split]) -> Split:
    """Return a split with its `before` adjusted for later splits. A Told is returned unchanged,
    since its factor does not depend on `before`."""
    if isinstance(split, Told):
        return split
    return msgspec.structs.replace(split, before=adjusted(split.before, split.date, later))
