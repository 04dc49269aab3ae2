"""From an empty page to the first prices, and from one system to the next one under an open page.

Polls are counted and not seconds: how fast a poll is depends on the machine, how many the page
needs does not.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rigs.chart_reading import closes, layout, wait_for_chart, x_range, zoom_in
from rigs.stand_in import NAMES, StandIn
from tests.browser.conftest import OpenPage
from tests.browser.first_visit import FirstVisit

MOST_POLLS = 2
"""Looks at the list from its first entry to the chart: the one that finds it, and one that was
under way when it came."""

PATIENCE = 60_000


def producer(state: str, progress: float | None = None, **fields: Any) -> dict[str, Any]:
    told = {"command": "stream", "source": "simulator", "state": state, "progress": progress}
    return {**told, "age_seconds": 0, "problem": None, "dropped": {}, **fields}


def polls(world: StandIn, since: int = 0) -> int:
    return sum(path.startswith("/symbols") for path in world.asked[since:])


def wait_for_polls(page: Page, world: StandIn, count: int) -> None:
    """Wait until the list of symbols was requested `count` more times."""
    wanted = polls(world) + count
    end = time.monotonic() + PATIENCE / 1000
    while polls(world) < wanted:
        assert time.monotonic() < end, "the page does not poll"
        page.wait_for_timeout(50)


def test_page_that_is_opened_before_the_producer_starts_draws_the_first_prices_at_once(
    world: StandIn, open_page: OpenPage
) -> None:
    world.symbols, world.poll_seconds = [], 2
    page = open_page(world.page)
    message = page.locator("#chart-message")
    expect(message).to_contain_text("Waiting for the first prices", timeout=PATIENCE)
    wait_for_polls(page, world, 2)
    world.producer = producer("sending history", 0.4)
    expect(message).to_contain_text("The simulator is sending history: 40%", timeout=PATIENCE)
    expect(message.get_by_role("progressbar")).to_have_attribute("max", "1")
    asked = len(world.asked)
    world.symbols = list(NAMES)
    wait_for_chart(page)
    expect(message).to_be_empty()
    first = next(i for i, path in enumerate(world.asked) if path.startswith("/prices/"))
    assert polls(world, asked) - polls(world, first) <= MOST_POLLS
    assert not any(path.startswith("/prices/") for path in world.asked[:asked])


def test_cold_system_shows_what_happens_and_then_the_chart(first_visit: FirstVisit) -> None:
    print(first_visit.figures())  # with `pytest -rP`: on a quiet machine below 2 s from the symbol
    assert first_visit.polls_to_chart <= MOST_POLLS
    assert not any("No producer" in said or "ended" in said for said in first_visit.messages)
    if not first_visit.began_empty:
        pytest.skip("the first symbol was stored before the page asked for it")
    assert any("first prices" in said or "%" in said for said in first_visit.messages)


def test_list_fills_while_history_is_sent_and_not_half_a_minute_later(
    world: StandIn, open_page: OpenPage
) -> None:
    world.symbols, world.producer = ["ACME"], producer("sending history", 0.1)
    page = open_page(world.page)
    wait_for_chart(page)
    asked = len(world.asked)
    world.symbols = list(NAMES)
    expect(page.locator("#watch tbody tr")).to_have_count(len(NAMES), timeout=PATIENCE)
    quotes: list[str] = []
    while not any("BOLT" in path for path in quotes):  # rows are drawn before they are asked for
        assert len(quotes) <= MOST_POLLS
        page.wait_for_timeout(50)
        quotes = [path for path in world.asked[asked:] if path.startswith("/quotes")]


def test_history_that_comes_later_is_put_before_the_drawn_bars_and_moves_no_zoom(
    world: StandIn, open_page: OpenPage
) -> None:
    now = int(time.time())
    world.producer = producer("sending history", 0.1)
    world.begins = now - now % 60 - 100 * 60
    page = open_page(f"{world.page}/#symbol=ACME&range=1D&interval=1m")
    wait_for_chart(page)
    drawn = len(closes(page))
    assert drawn <= 102
    zoom_in(page)
    zoomed = x_range(page)
    world.begins = 0
    page.wait_for_function(
        "(drawn) => document.querySelector('.js-plotly-plot').data[0].close.length > drawn + 200",
        arg=drawn,
        timeout=PATIENCE,
    )
    assert x_range(page) == zoomed
    assert layout(page, "xaxis.range") == zoomed


def test_symbol_that_is_followed_is_drawn_with_its_first_price(
    world: StandIn, open_page: OpenPage
) -> None:
    world.without_prices = {"BOLT"}
    page = open_page(f"{world.page}/#symbol=BOLT")
    expect(page.locator("#chart-message")).to_contain_text("No prices of BOLT yet")
    asked = len(world.asked)
    world.without_prices = set()
    wait_for_chart(page)
    later = enumerate(world.asked[asked:], asked)
    first = next(i for i, path in later if path.startswith("/prices/BOLT"))
    assert polls(world, asked) - polls(world, first) <= MOST_POLLS
    expect(page.locator("#status .warn:not(.lag):not(.late):not(.silent)").first).to_have_text(
        "SIMULATED", timeout=PATIENCE
    )
    row = page.locator('#watch tr[data-symbol="BOLT"]')
    expect(row.locator("canvas[data-points]")).to_be_attached(timeout=PATIENCE)


def test_remembered_symbol_that_is_not_here_makes_room_for_the_first_of_the_list(
    world: StandIn, open_page: OpenPage
) -> None:
    def remember(page: Page) -> None:
        page.add_init_script('localStorage.setItem("ticktape.view", \'{"symbol": "AAPL"}\')')

    page = open_page(world.page, prepare=remember, expect="/prices/AAPL")
    wait_for_chart(page)
    expect(page.locator("#quote h1")).to_have_text("ACME")


def test_link_to_a_symbol_that_is_not_here_says_so(world: StandIn, open_page: OpenPage) -> None:
    page = open_page(f"{world.page}/#symbol=AAPL", expect="/prices/AAPL")
    expect(page.locator("#chart-message")).to_contain_text("AAPL is not on the list")
    expect(page.locator("#quote h1")).to_have_text("AAPL")


def test_page_recovers_by_itself_when_the_system_restarts_with_other_data(
    world: StandIn, open_page: OpenPage
) -> None:
    world.fire("ACME", "golden_cross")
    page = open_page(world.page, expect=world.api)
    wait_for_chart(page)
    expect(page.locator("#activity")).to_contain_text("ACME", timeout=PATIENCE)
    world.away = True
    expect(page.locator("#status")).to_contain_text("No answer", timeout=PATIENCE)
    world.alerts, world.symbols = [], []
    world.away = False
    expect(page.locator("#status")).to_contain_text("Live", timeout=PATIENCE)
    expect(page.locator("#chart-message")).to_contain_text("first prices", timeout=PATIENCE)
    expect(page.locator("#watch tbody tr")).to_have_count(0)
    expect(page.locator("#activity")).not_to_contain_text("ACME", timeout=PATIENCE)
    asked = len(world.asked)
    world.symbols = list(NAMES)
    expect(page.locator("#chart-message")).to_be_empty(timeout=PATIENCE)
    assert polls(world, asked) <= MOST_POLLS


def test_rules_come_although_the_api_was_away_when_the_page_opened(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules, world.away = [], True
    page = open_page(world.page, expect=world.api)
    message = page.locator("#chart-message")
    expect(message).to_contain_text("The API does not answer", timeout=PATIENCE)
    world.away = False
    wait_for_chart(page)
    expect(page.get_by_role("tab", name="Rules")).to_be_visible(timeout=PATIENCE)


def test_prices_that_fail_while_all_else_answers_are_asked_for_at_the_polls_pace(
    world: StandIn, open_page: OpenPage
) -> None:
    refused: list[str] = []

    def prepare(page: Page) -> None:
        def refuse(route: Any) -> None:
            refused.append(route.request.url)
            route.fulfill(status=500, json={"title": "broken"})

        page.route("**/prices/**", refuse)

    page = open_page(world.page, prepare=prepare, expect=world.api)
    expect(page.locator("#chart-message")).to_contain_text("could not be loaded")
    wait_for_polls(page, world, 3)
    assert len(refused) <= 2 * polls(world) + 2
