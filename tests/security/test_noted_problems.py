"""Why items of symbols were refused is noted after the prices, and takes next to no time.

Ten records of 2,000 symbols, each from a source of its own, stopped ingest for 95 seconds by 20,000
notes, one after the other.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.services.ingest.ingest import Ingest
from chalicelib.services.ingest.plan import Incoming
from chalicelib.services.ingest.symbol_problems import MOST_NOTED
from tests.factories import NEVER, instant, payload, wire
from tests.fakes import fake_stores

SYMBOLS = [f"S{number}" for number in range(MOST_NOTED + 50)]


class Noting:
    """Ingest over fakes, and the writes of prices and notes in their order."""

    def __init__(self) -> None:
        self.stores = fake_stores()
        self.now = instant(100)
        self.ingest = Ingest(self.stores, lambda: self.now)
        self.calls: list[str] = []
        note, write = self.stores.symbols.note_problem, self.stores.prices.write

        def noting(symbol: str, problem: str, at: str) -> None:
            self.calls.append(symbol)
            note(symbol, problem, at)

        def writing(*args: Any) -> set[int]:
            self.calls.append("prices")
            return write(*args)

        self.stores.symbols.note_problem = noting  # type: ignore[method-assign]
        self.stores.prices.write = writing  # type: ignore[method-assign, assignment]

    def send(self, source: str, number: int, deadline: float = NEVER) -> list[str]:
        """A price of each symbol from a source, and one of another symbol; what was written."""
        self.calls.clear()
        ticks = [wire(1, number, symbol=symbol, source=source) for symbol in SYMBOLS]
        payloads = [payload(one) for one in (*ticks, wire(1, number, symbol="OTHER"))]
        self.ingest(
            [
                Incoming(str(at), "shard", str(number * 1000 + at), self.now, one)
                for at, one in enumerate(payloads)
            ],
            deadline,
        )
        return list(self.calls)


@pytest.fixture
def noting() -> Noting:
    system = Noting()
    assert system.send("yfinance", 0) == ["prices"]
    return system


def test_a_batch_notes_a_hundred_problems_after_its_prices(noting: Noting) -> None:
    first, *notes = noting.send("evil", 1)
    assert first == "prices"
    assert sorted(notes) == sorted(SYMBOLS[:MOST_NOTED])


def test_a_symbols_problem_is_noted_once_a_minute_whatever_it_says(noting: Noting) -> None:
    noting.send("evil", 1)
    assert sorted(noting.send("evil2", 2)[1:]) == sorted(SYMBOLS[MOST_NOTED:])
    assert noting.send("evil3", 3) == ["prices"]
    noting.now += timedelta(seconds=61)
    assert len(noting.send("evil4", 4)) == 1 + MOST_NOTED


def test_no_problem_is_noted_when_the_time_is_over(noting: Noting) -> None:
    assert noting.send("evil", 1, time.monotonic()) == ["prices"]
