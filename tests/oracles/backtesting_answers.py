"""Answers of the package `backtesting`, by the Python of its environment: cases as JSON on standard
input, answers on standard output.

A case has `bars` of four prices, the places of its `fires`, and how many bars each trade is held.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib import import_module
from typing import Any

NAMES = ("Open", "High", "Low", "Close")
CASH = 1_000_000_000_000


def answer(library: Any, pandas: Any, case: dict[str, Any]) -> dict[str, Any]:
    """Return how many trades there are, and the curve of a capital of 1."""
    bars, fires, hold = case["bars"], set(case["fires"]), case["hold"]
    dates = pandas.date_range("2025-01-01", periods=len(bars))
    frame = pandas.DataFrame(bars, columns=list(NAMES), index=dates)

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
    return {"trades": int(run["# Trades"]), "curve": curve}


def main() -> None:
    """Answer all cases."""
    warnings.simplefilter("ignore")
    library, pandas = import_module("backtesting"), import_module("pandas")
    answers = [answer(library, pandas, case) for case in json.load(sys.stdin)]
    json.dump({"package": f"backtesting {library.__version__}", "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
