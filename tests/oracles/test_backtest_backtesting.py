"""The curve of a backtest against the package `backtesting`.

It brings bokeh, so it has an environment of its own, which `make setup` makes. Its answers are
recorded in `tests/data/backtesting.json`, too, for machines that cannot install it.
`python -m tests.oracles.test_backtest_backtesting` records them again.
"""

from __future__ import annotations

import json
import random
import subprocess
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.backtest import TradingCosts, backtest
from chalicelib.domain.bars import Bar

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv/oracles/backtesting/bin/python"
RECORDED = ROOT / "tests/data/backtesting.json"
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


def answers() -> dict[str, Any]:
    """Return what the package answers to all cases."""
    names = ("open", "high", "low", "close")
    cases = [
        {
            "bars": [[float(getattr(bar, name)) for name in names] for bar in bars_of(seed)],
            "fires": fires_of(seed, hold),
            "hold": hold,
        }
        for seed, hold in CASES
    ]
    script = Path(__file__).with_name("backtesting_answers.py")
    run = subprocess.run(
        [PYTHON, script], input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(run.stdout)
    for (seed, hold), one in zip(CASES, found["answers"], strict=True):
        one |= {"seed": seed, "hold": hold}
    return found


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


@pytest.mark.skipif(not PYTHON.exists(), reason="make setup could not install backtesting")
def test_the_recorded_answers_are_those_of_the_package() -> None:
    assert answers()["answers"] == list(recorded().values())


if __name__ == "__main__":
    RECORDED.write_text(json.dumps(answers()) + "\n", encoding="utf-8")
