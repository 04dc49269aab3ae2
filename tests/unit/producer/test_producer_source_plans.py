"""A producer sends only what belongs to its source by the plans of tracked symbols."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.sources import parse_sources
from producer.passing import Passing
from producer.source_plans import LATE, REASON, SourcePlans
from producer.wire import WireTick
from tests.factories import at, instant


class Clock:
    """The time of day, in seconds after START."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return instant(self.seconds)


def planned(own: str, clock: Clock, text: str) -> SourcePlans:
    """The plans of a producer, with AAPL's sources."""
    first, switches = parse_sources(text).parts()
    item = {"symbol": "AAPL", "source": first, "switches": switches}
    plans = SourcePlans(own, clock)
    plans.learn([{name: {"S": value} for name, value in item.items() if value is not None}])
    return plans


def tick(source: str | None, seconds: float, **fields: Any) -> WireTick:
    return WireTick(symbol="AAPL", timestamp=at(seconds), price=Decimal(1), source=source, **fields)


def test_a_symbol_is_followed_before_its_switch_and_for_late_prices_after_it() -> None:
    clock = Clock()
    text = f"yfinance,{at(600)} alpaca"
    old, new = planned("yfinance-live", clock, text), planned("alpaca", clock, text)
    other = planned("binance", clock, text)
    found = []
    for clock.seconds in (0, 600, 600 + LATE.total_seconds(), 601 + LATE.total_seconds()):
        found.append((old.is_anothers("AAPL"), new.is_anothers("AAPL")))
        assert other.is_anothers("AAPL")
    assert found == [(False, False), (False, False), (True, False), (True, False)]
    assert not other.is_anothers("MSFT")


def test_ticks_and_history_of_the_others_time_are_refused() -> None:
    plans = planned("alpaca", Clock(), f"yfinance,{at(600)} alpaca")
    assert plans.refuses(tick("alpaca", 599.9))
    assert plans.refuses(tick("alpaca", 540, bar="1m"))
    assert not plans.refuses(tick("alpaca", 600))
    assert not plans.refuses(tick(None, 0))
    assert not plans.refuses(WireTick(symbol="MSFT", timestamp=at(0), price=Decimal(1)))


@pytest.mark.parametrize("switches", ["soon alpaca", "2026-11-20T15:30:01.000000Z alpaca"])
def test_a_line_that_cannot_be_read_is_no_plan(switches: str) -> None:
    plans = SourcePlans("alpaca")
    plans.learn([{"symbol": {"S": "AAPL"}, "switches": {"S": switches}}, {"symbol": {"S": "B"}}])
    assert not plans.is_anothers("AAPL")
    assert not plans.refuses(tick("yfinance", 0))


class Live:
    """A live source of some ticks."""

    name = "alpaca"
    needs_hygiene = True
    recorded = False

    def __init__(self, plans: SourcePlans) -> None:
        self.refuses = plans.refuses

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """None: the test has the ticks."""
        return iter(())


def test_ticks_that_ingest_would_refuse_are_not_sent_and_counted() -> None:
    dropped: Counter[str] = Counter()
    plans = planned("alpaca", Clock(), f"yfinance,{at(600)} alpaca,{at(1200)} yfinance")
    later = lambda: instant(10_000)  # noqa: E731
    passing = Passing(Live(plans), lambda reason: dropped.update([reason]), clock=later)
    batch = [tick("alpaca", seconds) for seconds in (10, 599, 600, 1199, 1200, 1300)]
    prices = {name: Decimal(1) for name in ("open", "high", "low")}
    history = [tick("alpaca", 60 * n, bar="1m", mode="backfill", **prices) for n in (9, 10)]
    passed = [(one.timestamp, one.bar) for one in passing.of([*batch, *history])]
    assert passed == [(at(600), None), (at(1199), None), (at(600), "1m")]
    assert dropped == {REASON: 5}
