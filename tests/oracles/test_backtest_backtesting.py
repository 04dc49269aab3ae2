"""The curve of a backtest against the package `backtesting`.

It is not among the pinned packages, since it brings bokeh. So its answers are recorded in
`tests/data/backtesting.json`, and compared with the package where it is installed.
`python -m tests.oracles.test_backtest_backtesting` records them again.
"""

from __future__ import annotations

import json
import random
from decimal import Decimal
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from chalicelib.domain.backtest import TradingCosts, backtest
from chalicelib.domain.bars import Bar

RECORDED = Path(__file__).parents[1] / "data" / "backtesting.json"
CASH = 1_000_000_000_000
CASES = list(product(range(4), (1, 7, 20)))
BARS = 240


def bars_of(seed: int) -> list[Bar]:
    """Bars of a random walk."""
    source, price, found = random.Random(seed), 100.0, []
    for at in range(BARS):
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


def fires_of(seed: int, hold: int) -> list[int]:
    """Fires at any bars, also while a trade is on."""
    return sorted(random.Random(100 * seed + hold).sample(range(3, BARS - 2 * hold - 2), 60))


def answer(library: Any, seed: int, hold: int) -> dict[str, Any]:
    """Return what the package answers."""
    names = ("Open", "High", "Low", "Close")
    frame = pd.DataFrame(
        [[float(getattr(bar, name.lower())) for name in names] for bar in bars_of(seed)],
        columns=list(names),
        index=pd.date_range("2025-01-01", periods=BARS),
    )
    fires = set(fires_of(seed, hold))

    class Strategy(library.Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.sell_at = -1

        def next(self) -> None:
            at = len(self.data) - 1
            if self.position and at == self.sell_at:
                self.position.close()
            elif not self.position and at in fires:
                self.buy(size=0.99999)
                self.sell_at = at + hold

    run: Any = library.Backtest(frame, Strategy, cash=CASH, commission=0.002).run()
    curve = [round(float(value) / CASH, 6) for value in run._equity_curve["Equity"]]
    return {"seed": seed, "hold": hold, "trades": int(run["# Trades"]), "curve": curve}


def recorded() -> dict[tuple[int, int], dict[str, Any]]:
    """Return the recorded answers by seed and bars held."""
    found = json.loads(RECORDED.read_text(encoding="utf-8"))["answers"]
    return {(one["seed"], one["hold"]): one for one in found}


@pytest.mark.parametrize(("seed", "hold"), CASES)
def test_the_curve_is_that_of_backtesting(seed: int, hold: int) -> None:
    costs = TradingCosts(hold_bars=hold, fee_percent=0.2, slippage_percent=0)
    ours, theirs = backtest(bars_of(seed), fires_of(seed, hold), costs), recorded()[seed, hold]
    assert ours.rule.trades == theirs["trades"] > 3
    assert [point.rule for point in ours.curve] == pytest.approx(theirs["curve"], rel=5e-4)


@pytest.mark.filterwarnings("ignore")
def test_the_recorded_answers_are_those_of_the_package() -> None:
    library = pytest.importorskip("backtesting", reason="backtesting is not installed")
    for seed, hold in CASES:
        assert answer(library, seed, hold) == recorded()[seed, hold]


if __name__ == "__main__":
    package: Any = import_module("backtesting")
    made = {
        "package": f"backtesting {package.__version__}",
        "answers": [answer(package, seed, hold) for seed, hold in CASES],
    }
    RECORDED.write_text(json.dumps(made) + "\n", encoding="utf-8")
