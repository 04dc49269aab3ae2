"""The cost of an open page follows from its requests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.services.market_data.freshness import OPEN_CACHE_SECONDS
from costs import tabs
from costs.list_prices import prices
from costs.settings import MARKET_HOURS, ROUND_THE_CLOCK, Settings

JS = Path("frontend/js")


def constant(module: str, name: str) -> float:
    """A constant of the page."""
    found = re.search(rf"^const {name} = ([0-9.]+);", (JS / module).read_text(), re.MULTILINE)
    assert found, name
    return float(found[1])


def test_the_sum_knows_how_often_the_page_asks() -> None:
    assert constant("feed.js", "SYMBOLS_EVERY") == tabs.SYMBOLS_EVERY
    assert constant("feed.js", "HEALTH_EVERY") == tabs.HEALTH_EVERY
    assert constant("alerts_feed.js", "EVERY") == tabs.ALERTS_EVERY
    assert constant("data/waiting.js", "LONGEST") == tabs.CLOSED_SECONDS
    assert tabs.SLOWEST_SECONDS == OPEN_CACHE_SECONDS


@pytest.mark.parametrize(
    ("interval", "hours", "row"),
    [
        (15, ROUND_THE_CLOCK, "| each 15 s, round the clock |"),
        (15, MARKET_HOURS, "| each 15 s, New York's hours |"),
        (2, ROUND_THE_CLOCK, "| each 2 s or more often, round the clock |"),
    ],
)
def test_the_docs_have_the_sums(interval: float, hours: float, row: str) -> None:
    settings = Settings(interval_seconds=interval, hours=hours)
    count = tabs.requests_a_month(settings)
    gateway = prices().of("api_request", count)
    everything = tabs.usd_a_month(settings, prices())
    expected = f"{row} {round(count, -3):,.0f} | {gateway:.2f} | {everything:.2f} |"
    assert expected in Path("docs/cost.md").read_text(encoding="utf-8")


def test_a_page_costs_less_where_prices_come_seldom() -> None:
    counts = [
        tabs.requests_a_month(Settings(interval_seconds=seconds)) for seconds in (1, 2, 5, 15, 60)
    ]
    assert counts[0] == counts[1]
    assert counts[1:] == sorted(counts[1:], reverse=True)
    many = tabs.requests_a_month(Settings(symbols=250, interval_seconds=15))
    assert many > 1.8 * counts[3]
