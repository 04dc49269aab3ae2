"""The curve of a backtest against the package `backtesting`, where it is installed."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import product
from typing import Any

import pandas as pd
import pytest

from chalicelib.domain.backtest import TradingCosts, backtest
from chalicelib.domain.bars import Bar

CASH = 1_000_000_000_000


def _bars(seed: int) -> list[Bar]:
    source, price, found = random.Random(seed), 100.0, []
    for at in range(240):
        opened = price * source.uniform(0.98, 1.02)
        price = opened * source.uniform(0.97, 1.03)
        figures = {
            "open": opened,
            "high": max(opened, price) * 1.01,
            "low": min(opened, price) * 0.99,
            "close": price,
        }
        exact = {name: Decimal(f"{value:.4f}") for name, value in figures.items()}
        found.append(Bar(symbol="AAPL", interval="1d", start=f"{at:06d}", **exact))  # type: ignore[arg-type]
    return found


@pytest.mark.filterwarnings("ignore")
def test_the_curve_is_that_of_backtesting() -> None:
    library = pytest.importorskip("backtesting", reason="backtesting is not installed")
    for seed, hold in product(range(4), (1, 7, 20)):
        _assert_agrees(library, seed, hold)


def _assert_agrees(library: Any, seed: int, hold: int) -> None:
    bars = _bars(seed)
    fires = set(range(3 + seed, 200, hold + 4))  # none while a trade is on: orders would mix
    costs = TradingCosts(hold_bars=hold, fee_percent=0.2, slippage_percent=0)
    names = ("Open", "High", "Low", "Close")
    frame = pd.DataFrame(
        [[float(getattr(bar, name.lower())) for name in names] for bar in bars],
        columns=list(names),
        index=pd.date_range("2025-01-01", periods=len(bars)),
    )

    class Strategy(library.Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.sell_at = -1

        def next(self) -> None:
            at = len(self.data) - 1
            if at == self.sell_at:
                self.position.close()
            if at in fires:
                self.buy(size=0.99999)
                self.sell_at = at + hold

    run: Any = library.Backtest(frame, Strategy, cash=CASH, commission=0.002).run()
    theirs = list(run._equity_curve["Equity"] / CASH)
    ours = backtest(bars, sorted(fires), costs)
    assert ours.rule.trades == run["# Trades"]
    assert [point.rule for point in ours.curve] == pytest.approx(theirs, rel=5e-4)
