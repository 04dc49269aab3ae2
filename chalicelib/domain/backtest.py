"""Backtests: what followed a rule's signals, and the results of one simple way to trade them.

A trade buys at the open of the bar after a signal and sells at the open `hold_bars` bars later.
Signals during a trade are ignored, up to the bar before the sale. All money is in one position.
Slippage makes each price worse, and the fee is a share of the price. The result is compared with
buying at the first open and holding, at the same costs.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.bars import Bar
from chalicelib.domain.errors import RuleError

AFTER = (1, 5, 20)
"""The numbers of bars after a signal at whose closes returns are measured."""

MAX_POINTS = 250
MAX_HOLD = 400
MAX_COST_PERCENT = 10

CAVEATS = (
    "The symbol was chosen today: symbols that failed meanwhile are not among the results.",
    "Bars of polled prices are samples: extremes between two polls are missing.",
    "Prices are as stored now: history and corrections may not have been known at the time.",
    "Opens may not have been tradable at that price or size; dividends and taxes are left out.",
    "Past results say nothing about the future.",
)

_Percent = Annotated[float, Meta(description="In percent.")]


class TradingCosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a trade of a backtest lasts, and what it costs."""

    hold_bars: Annotated[
        int, Meta(ge=1, le=MAX_HOLD, description="Bars from buying to selling.")
    ] = 20
    fee_percent: Annotated[
        float, Meta(ge=0, le=MAX_COST_PERCENT, description="Of each price paid or got.")
    ] = 0.1
    slippage_percent: Annotated[
        float, Meta(ge=0, le=MAX_COST_PERCENT, description="By which each price is worse.")
    ] = 0.05


class Spread(msgspec.Struct, frozen=True):
    """A summary of returns or moves, in percent; null if there are none."""

    count: int
    mean: float | None = None
    median: float | None = None
    deviation: Annotated[
        float | None, Meta(description="Standard deviation of the sample; null below two.")
    ] = None
    lowest: float | None = None
    highest: float | None = None
    share_above_zero: float | None = None


class ReturnsAfter(msgspec.Struct, frozen=True):
    """Returns from the open after a signal to the close of a later bar."""

    bars: int
    returns: Spread


class CurvePoint(msgspec.Struct, frozen=True):
    """The worth of an initial 1 at a bar's close."""

    timestamp: str
    rule: float
    hold: float


class Trading(msgspec.Struct, frozen=True):
    """The results of one way of trading over the whole range."""

    return_percent: _Percent
    drawdown_percent: Annotated[float, Meta(description="The maximum drawdown, above 0.")]
    trades: int


class Backtest(msgspec.Struct, frozen=True):
    """What followed the signals of a rule.

    `best` and `worst` are the moves from the open after a signal to the highest high and the lowest
    low before the next signal. The curve is thinned to at most 250 points.
    """

    fires: int
    bars: int
    after: list[ReturnsAfter]
    best: Spread
    worst: Spread
    rule: Trading
    hold: Trading
    curve: list[CurvePoint]
    costs: TradingCosts
    caveats: list[str]


def parse_costs(given: object) -> TradingCosts:
    """Return the costs in a client's value; `true` means the default costs. Raises RuleError."""
    if given is True:
        return TradingCosts()
    try:
        return msgspec.convert(given, TradingCosts, strict=False)
    except (msgspec.ValidationError, TypeError) as error:
        allowed = f"true, or an object with hold_bars, fee_percent, slippage_percent: {error}"
        raise RuleError("backtest", given, allowed) from None


def backtest(bars: Sequence[Bar], fires: Iterable[int], costs: TradingCosts) -> Backtest:
    """Return what followed a rule's signals on `bars`.

    `fires` has in order the indexes of the bars at whose closes the rule fired. -1 is a signal
    before the first bar: a trade can begin at that bar's open.
    """
    prices = _Prices(bars)
    places = [place for place in fires if place < len(bars)]
    moves = prices.moves(places)
    rule, trades = _traded(prices, places, costs)
    hold, _ = _traded(prices, [-1], msgspec.structs.replace(costs, hold_bars=len(bars) + 1))
    return Backtest(
        fires=len(places),
        bars=len(bars),
        after=[ReturnsAfter(count, _spread(prices.returns(places, count))) for count in AFTER],
        best=_spread([best for best, _ in moves]),
        worst=_spread([worst for _, worst in moves]),
        rule=_trading(rule, trades),
        hold=_trading(hold, min(1, len(bars))),
        curve=_thinned(bars, rule, hold),
        costs=costs,
        caveats=list(CAVEATS),
    )


class _Prices:
    """The prices of a sequence of bars, as floats."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self.opens = [float(bar.open) for bar in bars]
        self.closes = [float(bar.close) for bar in bars]
        self._highs = [float(bar.high) for bar in bars]
        self._lows = [float(bar.low) for bar in bars]

    def returns(self, places: Iterable[int], count: int) -> list[float]:
        """Return the percentage return over `count` bars after each signal that has that many bars
        after it."""
        return [
            100 * (self.closes[place + count] / self.opens[place + 1] - 1)
            for place in places
            if place + count < len(self.closes)
        ]

    def moves(self, places: Sequence[int]) -> list[tuple[float, float]]:
        """Return the best and the worst move in percent after each signal, up to the bar of the
        next signal. A signal at the last bar has none."""
        found = []
        for place, following in pairwise([*places, len(self.closes) - 1]):
            if place + 1 <= following:
                entry, span = self.opens[place + 1], slice(place + 1, following + 1)
                best, worst = max(self._highs[span]), min(self._lows[span])
                found.append((100 * (best / entry - 1), 100 * (worst / entry - 1)))
        return found


def _traded(prices: _Prices, places: Sequence[int], costs: TradingCosts) -> tuple[list[float], int]:
    """Return the worth of an initial 1 at each close, and the number of trades."""
    fires, fee, slippage = set(places), costs.fee_percent / 100, costs.slippage_percent / 100
    cash, units, sell_at, trades = 1.0, 0.0, -1, 0
    curve = []
    for at, (opened, close) in enumerate(zip(prices.opens, prices.closes, strict=True)):
        was_free = not units
        if units and at == sell_at:
            cash, units = units * opened * (1 - slippage) * (1 - fee), 0.0
        if was_free and at - 1 in fires:
            units, cash = cash / (opened * (1 + slippage) * (1 + fee)), 0.0
            sell_at, trades = at + costs.hold_bars, trades + 1
        curve.append(cash + units * close)
    return curve, trades


def _trading(curve: Sequence[float], trades: int) -> Trading:
    high, deepest = 1.0, 0.0
    for value in curve:
        high = max(high, value)
        deepest = max(deepest, 1 - value / high)
    total = curve[-1] - 1 if curve else 0.0
    return Trading(round(100 * total, 4), round(100 * deepest, 4), trades)


def _thinned(bars: Sequence[Bar], rule: Sequence[float], hold: Sequence[float]) -> list[CurvePoint]:
    step = -(-len(bars) // MAX_POINTS) or 1
    places = [*range(len(bars) - 1, -1, -step)][::-1]
    return [CurvePoint(bars[at].start, round(rule[at], 6), round(hold[at], 6)) for at in places]


def _spread(values: Sequence[float]) -> Spread:
    if not values:
        return Spread(0)
    above = sum(value > 0 for value in values) / len(values)
    return Spread(
        count=len(values),
        mean=round(statistics.fmean(values), 4),
        median=round(statistics.median(values), 4),
        deviation=round(statistics.stdev(values), 4) if len(values) > 1 else None,
        lowest=round(min(values), 4),
        highest=round(max(values), 4),
        share_above_zero=round(above, 4),
    )
