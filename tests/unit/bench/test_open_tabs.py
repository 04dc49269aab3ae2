"""The cost of an open page follows from its requests."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from chalicelib.adapters.events import written_states
from chalicelib.services.market_data.freshness import OPEN_CACHE_SECONDS
from chalicelib.services.push.changes import changes_of
from chalicelib.services.push.push import requests_of
from costs import tabs
from costs.list_prices import Prices, prices
from costs.settings import MARKET_HOURS, ROUND_THE_CLOCK, Settings
from rigs.memory_aws.system import Aws, services_over
from tests.factories import NEVER, make_priced, make_tick, make_trigger

JS = Path("frontend/js")
VIEWERS = (1, 100, 10_000)
SOCKET_UNIT_BYTES = 32 * 1024
"""API Gateway charges for each started unit of a message to a WebSocket."""

POST_SECONDS, POSTS_AT_ONCE = 0.012, 50
CONNECTIONS_A_UNIT = 4096 / 64
"""Items of a table of connections that one read unit holds."""


def pushed_usd(settings: Settings, viewers: int, costs: Prices) -> float:
    """USD a month of all viewers by AppSync Events."""
    return tabs.publishing_usd(settings, costs) + viewers * tabs.viewer_usd(settings, costs)


def sockets_usd(settings: Settings, viewers: int, costs: Prices) -> float:
    """USD a month of all viewers by API Gateway's WebSockets, where a function looks up the
    connections and posts to each."""
    rounds = tabs.rounds_a_month(settings)
    messages = rounds * viewers * tabs.units(settings, SOCKET_UNIT_BYTES)
    seconds = rounds * max(tabs.PUSH_SECONDS, viewers * POST_SECONDS / POSTS_AT_ONCE)
    return (
        costs.of("socket_message", messages)
        + costs.of("socket_minute", viewers * ROUND_THE_CLOCK * 60)
        + costs.of("lambda_request", rounds)
        + costs.of("lambda_gb_second", seconds * settings.memory_mb / 1024)
        + costs.of("dynamodb_read_unit", rounds * math.ceil(viewers / CONNECTIONS_A_UNIT) / 2)
        + viewers * tabs.asked_usd(settings, costs)
    )


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


@pytest.mark.parametrize("interval", [15, 2])
def test_the_docs_have_the_sums_of_pushed_prices(interval: float) -> None:
    settings, costs = Settings(interval_seconds=interval), prices()
    pushed = [pushed_usd(settings, viewers, costs) for viewers in VIEWERS]
    polled = [viewers * tabs.usd_a_month(settings, costs) for viewers in VIEWERS]
    text = Path("docs/cost.md").read_text(encoding="utf-8")
    for way, sums in (("pushed", pushed), ("polled", polled)):
        assert (
            f"| {way}, each {interval:g} s | {' | '.join(f'{usd:,.2f}' for usd in sums)} |" in text
        )


def test_the_decision_has_the_sums_of_both_services() -> None:
    settings, costs = Settings(interval_seconds=15), prices()
    text = Path("docs/decisions/0348-prices-are-pushed-by-appsync-events.md").read_text()
    for viewers in VIEWERS:
        sums = (
            pushed_usd(settings, viewers, costs),
            sockets_usd(settings, viewers, costs),
            viewers * tabs.usd_a_month(settings, costs),
        )
        assert f"| {viewers:,} | {' | '.join(f'{usd:,.2f}' for usd in sums)} |" in text


def test_an_event_of_25_symbols_is_as_long_as_the_sum_says() -> None:
    aws = Aws()
    services = services_over(aws)
    for n in range(25):
        tick = make_tick(
            200 + n * 1.37, symbol=f"S{n:04}", open=199.5, high=260.25, low=198,
            volume=1_000_000 + n, previous_close=199, currency="USD", market_state="REGULAR",
            source="yfinance",
        )  # fmt: skip
        services.stores.prices.write([make_priced([tick])], NEVER)
        services.detect([make_trigger(0, 0, tick.symbol)])
    states = written_states({"Records": aws.state_stream})
    ((((event, _),)),) = requests_of(changes_of(states, services.market_data().quote))
    assert 100 * 25 < len(event) < tabs.CHANGE_BYTES * 25 < tabs.UNIT_BYTES
