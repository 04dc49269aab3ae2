"""Detect: CPU a tick for 25 and for 5,000 symbols at the same number of ticks of a symbol.

Over stores in memory, so that what is measured is ours: reading the batch, folding, judging, and
what is handed to the stores. Bias: the stores' own work is left out on both sides.

    python -m bench.detect_growth
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bench.measuring import alternate, median, p95
from chalicelib.domain.detection import State, Watch, advance, rules_for
from chalicelib.domain.rules import default_rules
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text

FEW, MANY = 25, 5_000
TICKS_OF_A_SYMBOL = 8
ROUNDS = 7
TARGET = 1.3
START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def ticks_of(symbol: str) -> list[Tick]:
    """A symbol's ticks of one batch."""
    return [
        Tick(
            symbol=symbol,
            timestamp=to_text(START + timedelta(seconds=5 * i)),
            price=Decimal(10000 + (i * 7919) % 300) / 100,
            previous_close=Decimal("100.5"),
            volume=Decimal(1000 + 10 * i),
            exchange_timezone="America/New_York",
            source="bench",
        )
        for i in range(TICKS_OF_A_SYMBOL)
    ]


def batch(symbols: int) -> Callable[[], None]:
    """One batch of so many symbols, as often as makes the same number of ticks."""
    rules = default_rules(5, 20, Decimal(5))
    feeds = [ticks_of(f"S{number}") for number in range(symbols)]
    repeats = MANY // symbols

    def run() -> None:
        for _ in range(repeats):
            for ticks in feeds:
                symbol = ticks[0].symbol
                watch = Watch(rules_for(symbol, rules))
                outcome = advance(State(symbol=symbol), ticks, watch, lambda _tick: "")
                assert outcome.taken == TICKS_OF_A_SYMBOL

    return run


def measure() -> list[dict[str, object]]:
    """The benchmark's results."""
    found = alternate({"few": batch(FEW), "many": batch(MANY)}, ROUNDS)
    ticks = MANY * TICKS_OF_A_SYMBOL
    few, many = (median(found[name]) / ticks * 1e6 for name in ("few", "many"))
    ratio = many / few
    return [
        {
            "name": "detect_growth_5000_symbols",
            "value": round(many, 2),
            "p95": round(p95(found["many"]) / ticks * 1e6, 2),
            "unit": "µs CPU a tick",
            "baseline": round(few, 2),
            "ratio": round(ratio, 3),
            "target": f"at most {TARGET} times 25 symbols",
            "holds": ratio <= TARGET,
        }
    ]


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=2, ensure_ascii=False)
    print()
