"""Corporate actions: splits and dividends, as a source told them, and the factors that they make.

A price from before an action is multiplied by the action's factor, which is exact until the end:
the product of all factors is rounded once, to eight decimals. The factor of a dividend is
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
from chalicelib.domain.ticks import DECIMALS, HIGHEST_PRICE, HIGHEST_VOLUME, UNKNOWN_SOURCE

Kind = Literal["split", "dividend"]

HIGHEST_RATIO = 10_000
"""The most shares that one share becomes in a split, or the most that become one."""

SAME_AMOUNT = Fraction(1, 1000)
"""The most relative difference of two amounts of one dividend: Yahoo divides amounts by later
splits and rounds them to six decimals."""

_EIGHT = 10**8


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A split or dividend of a symbol, which takes effect with the session of its ex-date.

    known_at: when its source told of it, as stored text. A split has its `ratio`, "4:1" if four
    shares replaced one. A dividend has the `amount` per share and the close of the session before,
    both as of the ex-date: not adjusted for later splits.
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
        """Return its place among the symbol's actions, such as `2020-08-31#split`."""
        return f"{self.ex_date}#{self.kind}"

    @property
    def instant(self) -> str:
        """Return the instant that decides which source the action has to have."""
        return self.known_at

    @property
    def factor(self) -> Fraction:
        """Return what a price from before it is multiplied by."""
        if self.ratio is not None:
            new, old = map(int, self.ratio.split(":"))
            return Fraction(old, new)
        if self.amount is None or self.previous_close is None:
            return Fraction(1)
        return 1 - Fraction(self.amount) / Fraction(self.previous_close)

    @property
    def rank(self) -> tuple[str, Fraction]:
        """Return the order of actions with one place: the first counts, however they come."""
        return self.known_at, self.factor

    def is_repeated_by(self, other: Action) -> bool:
        """Return whether another action with the same place says the same."""
        if self.amount is None or other.amount is None:
            return self.factor == other.factor
        mine, theirs = Fraction(self.amount), Fraction(other.amount)
        return abs(mine - theirs) <= SAME_AMOUNT * mine


class Step(msgspec.Struct, frozen=True):
    """A change of scale: prices of sessions before `date` are multiplied by `prices`, volumes by
    `volumes`."""

    date: str
    prices: Fraction
    volumes: Fraction = Fraction(1)

    @classmethod
    def of(cls, action: Action) -> Step:
        """Return the step of an action. Dividends leave volumes as they are."""
        factor = action.factor
        return cls(action.ex_date, factor, 1 / factor if action.kind == "split" else Fraction(1))


class Scale:
    """Adjusts bars for steps; those of a step's own session and later stay as they are."""

    def __init__(self, steps: Iterable[Step]) -> None:
        ordered = sorted(steps, key=attrgetter("date"))
        self.dates = [step.date for step in ordered]
        self._prices = _products([step.prices for step in ordered])
        self._volumes = _products([step.volumes for step in ordered])

    def adjust(self, bar: Bar, date: str) -> Bar:
        """Return a bar of a date's session, adjusted for all later steps."""
        place = bisect_right(self.dates, date)
        if place == len(self.dates):
            return bar
        factor = self._prices[place]
        prices = {
            name: scaled_price(getattr(bar, name), factor)
            for name in ("open", "high", "low", "close")
        }
        volume = bar.volume
        if volume is not None:
            volume = min(_scaled(volume, self._volumes[place]), HIGHEST_VOLUME)
        return msgspec.structs.replace(bar, **prices, volume=volume)


def scaled_price(price: Decimal, factor: Fraction) -> Decimal:
    """Return a price times a factor, rounded half to even to eight decimals, within the bounds of
    prices, so never 0."""
    return min(max(_scaled(price, factor), DECIMALS), HIGHEST_PRICE)


def _scaled(value: Decimal, factor: Fraction) -> Decimal:
    units = round(Fraction(value) * factor * _EIGHT)
    whole, rest = divmod(units, _EIGHT)
    return Decimal(f"{whole}.{rest:08d}".rstrip("0").rstrip("."))


def _products(factors: Sequence[Fraction]) -> list[Fraction]:
    """Return for each place the product of the factors from there on."""
    return list(accumulate(reversed(factors), mul))[::-1]
