"""What followed a rule's fires: by hand on a few bars, and against plain loops on many."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

import pytest

from chalicelib.domain.backtest import CAVEATS, MAX_POINTS, TradingCosts, backtest, parse_costs
from chalicelib.domain.bars import Bar
from chalicelib.domain.errors import RuleError

FREE = TradingCosts(hold_bars=2, fee_percent=0, slippage_percent=0)


def bars_at(prices: Sequence[tuple[float, float]]) -> list[Bar]:
    """Bars with an open and a close each; highs and lows are one beyond."""
    return [
        Bar(
            symbol="AAPL",
            interval="1d",
            start=f"2026-01-{at + 1:02d}" if at < 31 else f"2026-02-{at:06d}",
            open=Decimal(str(opened)),
            high=Decimal(str(max(opened, close) + 1)),
            low=Decimal(str(min(opened, close) - 1)),
            close=Decimal(str(close)),
        )
        for at, (opened, close) in enumerate(prices)
    ]


PRICES = [(100, 100), (100, 110), (110, 120), (130, 120), (120, 90), (90, 99)]


def test_a_trade_buys_at_the_next_open_and_sells_after_its_bars() -> None:
    found = backtest(bars_at(PRICES), [0], FREE)
    assert [point.rule for point in found.curve] == [1, 1.1, 1.2, 1.3, 1.3, 1.3]
    assert (found.rule.return_percent, found.rule.trades) == (30, 1)
    assert [point.hold for point in found.curve] == [1, 1.1, 1.2, 1.2, 0.9, 0.99]
    assert (found.hold.return_percent, found.hold.drawdown_percent) == (-1, 25)
    assert found.after[0].returns.mean == 10
    assert found.after[1].returns.mean == -1
    assert found.after[2].returns.count == 0
    assert (found.best.highest, found.worst.lowest) == (31, -11)


def test_fires_while_it_holds_are_ignored_and_end_the_moves_before() -> None:
    found = backtest(bars_at(PRICES), [0, 1, 2], FREE)
    assert found.rule.trades == 1  # the last one at the close before the sale
    assert backtest(bars_at(PRICES), [0, 3], FREE).rule.trades == 2
    assert (found.fires, found.best.count) == (3, 3)
    assert found.best.highest == pytest.approx(11, abs=1)


def test_a_fire_before_the_first_bar_buys_at_its_open() -> None:
    found = backtest(bars_at(PRICES), [-1], FREE)
    assert [point.rule for point in found.curve] == [1, 1.1, 1.1, 1.1, 1.1, 1.1]
    assert (found.fires, found.rule.trades, found.after[0].returns.mean) == (1, 1, 0)
    assert (found.best.highest, found.worst.lowest) == (31, -11)


def test_costs_make_each_price_worse() -> None:
    costs = TradingCosts(hold_bars=2, fee_percent=1, slippage_percent=2)
    found = backtest(bars_at(PRICES), [0], costs)
    paid, got = 100 * 1.02 * 1.01, 130 * 0.98 * 0.99
    assert found.rule.return_percent == pytest.approx(100 * (got / paid - 1), abs=1e-3)


@pytest.mark.parametrize("fires", [[], [5], [99]])
def test_without_a_bar_after_a_fire_there_is_no_figure(fires: list[int]) -> None:
    found = backtest(bars_at(PRICES), fires, FREE)
    assert (found.rule.return_percent, found.rule.trades, found.best.count) == (0, 0, 0)
    assert found.after[0].returns.mean is None
    assert found.caveats == list(CAVEATS)


def test_without_bars_everything_is_empty() -> None:
    found = backtest([], [], FREE)
    assert (found.bars, found.curve, found.hold.trades) == (0, [], 0)


@pytest.mark.parametrize("seed", range(5))
def test_a_loop_over_trades_gives_the_same_end(seed: int) -> None:
    source = random.Random(seed)
    prices = [(source.uniform(50, 150), source.uniform(50, 150)) for _ in range(600)]
    fires = sorted(source.sample(range(600), 40))
    costs = TradingCosts(hold_bars=7, fee_percent=0.2, slippage_percent=0.1)
    found = backtest(bars_at(prices), fires, costs)
    value, free_from, trades = 1.0, 0, 0
    for fire in fires:
        if fire < free_from or fire + 1 >= 600:
            continue
        trades, free_from = trades + 1, fire + 8
        bought = float(Decimal(str(prices[fire + 1][0]))) * 1.001 * 1.002
        if free_from < 600:
            value *= prices[free_from][0] * 0.999 * 0.998 / bought
        else:
            value *= prices[-1][1] / bought
    assert found.rule.trades == trades
    assert found.rule.return_percent == pytest.approx(100 * (value - 1), abs=1e-3)
    assert len(found.curve) <= MAX_POINTS
    assert found.curve[-1].rule == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("given", [{"hold_bars": 0}, {"fee_percent": -1}, {"x": 1}, "yes", 5, [1]])
def test_costs_that_are_not_allowed_are_refused(given: object) -> None:
    with pytest.raises(RuleError, match="backtest"):
        parse_costs(given)


def test_default_costs_are_taken_by_true() -> None:
    assert parse_costs(True) == parse_costs({}) == TradingCosts()
    assert parse_costs({"fee_percent": Decimal("0.25")}).fee_percent == 0.25
