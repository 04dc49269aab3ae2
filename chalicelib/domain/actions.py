"""Corporate actions: the splits and dividends that a source reported, and their factors.

A price from before an action is multiplied by the action's factor. Factors are exact: only the
product of a price and all its factors is rounded, to eight decimals. The factor of a dividend is
1 - dividend / close before the ex-date, as by CRSP and Yahoo (docs/api.md#adjusted-prices).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from operator import attrgetter, mul
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.domain.bars import Bar
from chalicelib.domain.field_types import Instant
from chalicelib.domain.ticks import HIGHEST_PRICE, HIGHEST_VOLUME, UNKNOWN_SOURCE

Kind = Literal["split", "dividend"]

HIGHEST_RATIO = 10_000
"""The most shares that one share becomes in a split, or the most that become one."""

SAME_AMOUNT = Fraction(1, 1000)
"""The largest relative difference at which two amounts count as the same dividend. Yahoo divides
amounts by later splits and rounds them to six decimals."""

_EIGHT = 10**8
_BITS = 192
"""Binary places of an approximate factor: more than twice as many as the highest volume has."""
_MASK = (1 << _BITS) - 1
_HALF = 1 << (_BITS - 1)
_HIGHEST_PRICE = int(HIGHEST_PRICE.scaleb(8))
_HIGHEST_VOLUME = int(HIGHEST_VOLUME.scaleb(8))


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A split or dividend of a symbol, which takes effect with the session of its ex-date.

    `known_at` is when the source reported the action, as stored text. A split has its `ratio`,
    "4:1" if four shares replaced one. A dividend has the `amount` per share and the close of the
    session before, neither of which is adjusted for later splits.
    """

    symbol: str
    kind: Kind
    ex_date: str
    known_at: Annotated[Instant, Meta(description="When the source told of it.")]
    source: str = UNKNOWN_SOURCE
    ratio: str | None = None
    amount: Decimal | None = None
    previous_close: Decimal | None = None

    @property
    def place(self) -> str:
        """Return the action's key within its symbol, such as `2020-08-31#split`."""
        return f"{self.ex_date}#{self.kind}"

    @property
    def instant(self) -> str:
        """Return the instant for which the action's source must be the source of the series."""
        return self.known_at

    @property
    def factor(self) -> Fraction:
        """Return the factor for prices of sessions before the ex-date; 1 if figures are missing."""
        if self.ratio is not None:
            new, old = map(int, self.ratio.split(":"))
            return Fraction(old, new)
        if self.amount is None or self.previous_close is None:
            return Fraction(1)
        return 1 - Fraction(self.amount) / Fraction(self.previous_close)

    @property
    def rank(self) -> tuple[str, Fraction]:
        """Return the sort key of actions with the same `place`. The action with the lowest key is
        kept, in whatever order actions arrive."""
        return self.known_at, self.factor

    def is_repeated_by(self, other: Action) -> bool:
        """Return whether `other`, which has the same `place`, repeats the action: it has the same
        factor or, if both are dividends, the same amount up to SAME_AMOUNT."""
        if self.amount is None or other.amount is None:
            return self.factor == other.factor
        mine, theirs = Fraction(self.amount), Fraction(other.amount)
        return abs(mine - theirs) <= SAME_AMOUNT * mine


class Step(msgspec.Struct, frozen=True):
    """A change of scale: prices of sessions before `date` are multiplied by `prices`, their volumes
    by `volumes`."""

    date: str
    prices: Fraction
    volumes: Fraction = Fraction(1)

    @classmethod
    def of(cls, action: Action) -> Step:
        """Return the change of scale that an action makes. Dividends do not change volumes."""
        factor = action.factor
        return cls(action.ex_date, factor, 1 / factor if action.kind == "split" else Fraction(1))


class Scale:
    """Adjusts bars for corporate actions. A step changes the bars of the sessions before its
    date."""

    def __init__(self, steps: Iterable[Step]) -> None:
        ordered = sorted(steps, key=attrgetter("date"))
        self.dates = [step.date for step in ordered]
        self._prices = _products([step.prices for step in ordered])
        self._volumes = _products([step.volumes for step in ordered])
        self._factors: dict[int, tuple[_Factor, _Factor]] = {}

    def adjust(self, bar: Bar, date: str) -> Bar:
        """Return a bar, whose session is that of `date`, adjusted for all later steps."""
        place = bisect_right(self.dates, date)
        if place == len(self.dates):
            return bar
        of_prices, of_volumes = self._factors.get(place) or self._factors_at(place)
        volume = bar.volume
        return msgspec.structs.replace(
            bar,
            open=of_prices.price(bar.open),
            high=of_prices.price(bar.high),
            low=of_prices.price(bar.low),
            close=of_prices.price(bar.close),
            volume=None if volume is None else of_volumes.volume(volume),
        )

    def _factors_at(self, place: int) -> tuple[_Factor, _Factor]:
        found = _Factor(*self._prices[place]), _Factor(*self._volumes[place])
        self._factors[place] = found
        return found


def scaled_price(price: Decimal, factor: Fraction) -> Decimal:
    """Return a price times a factor, rounded half to even to eight decimals. The result stays
    within the bounds of prices, so it is never 0."""
    return _Factor(factor.numerator, factor.denominator).price(price)


class _Factor:
    """Multiplies by an exact factor of any number of digits, and rounds half to even.

    The factor lies between two fixed-point numbers, `_below` and `_above`. If the products with
    both round alike, the exact product rounds like them. It is computed only if they differ.
    """

    __slots__ = ("_above", "_below", "_denominator", "_numerator")

    def __init__(self, numerator: int, denominator: int) -> None:
        self._numerator, self._denominator = numerator, denominator
        self._below, rest = divmod(numerator << _BITS, denominator)
        self._above = self._below + (rest > 0)

    def price(self, value: Decimal) -> Decimal:
        """Return a price times the factor, within the bounds of prices."""
        return _decimal(min(max(self._units(value), 1), _HIGHEST_PRICE))

    def volume(self, value: Decimal) -> Decimal:
        """Return a volume times the factor, up to the highest volume."""
        return _decimal(min(self._units(value), _HIGHEST_VOLUME))

    def _units(self, value: Decimal) -> int:
        """Return the product in units of eight decimals."""
        shifted = value.scaleb(8)
        units = int(shifted)
        if units == shifted:
            lowest, highest = _rounded(units * self._below), _rounded(units * self._above)
            if lowest == highest:
                return lowest
        numerator, denominator = value.as_integer_ratio()
        numerator *= self._numerator * _EIGHT
        whole, rest = divmod(numerator, denominator * self._denominator)
        return _half_even(whole, 2 * rest, denominator * self._denominator)


def _rounded(product: int) -> int:
    """Return `product`, a number with _BITS binary places, as an integer rounded half to even."""
    return _half_even(product >> _BITS, product & _MASK, _HALF)


def _half_even(whole: int, rest: int, half: int) -> int:
    """Return `whole`, plus 1 if `rest` is above `half`, or equals it while `whole` is odd."""
    return whole + (rest > half or (rest == half and whole & 1))


def _decimal(units: int) -> Decimal:
    whole, rest = divmod(units, _EIGHT)
    return Decimal(f"{whole}.{rest:08d}".rstrip("0").rstrip("."))


def _products(factors: Sequence[Fraction]) -> list[tuple[int, int]]:
    """Return for each index the product of the factors from there on, as numerator and denominator.
    The fractions are not reduced, since reducing takes longer than multiplying."""
    numerators = accumulate((one.numerator for one in reversed(factors)), mul)
    denominators = accumulate((one.denominator for one in reversed(factors)), mul)
    return list(zip(numerators, denominators, strict=True))[::-1]
