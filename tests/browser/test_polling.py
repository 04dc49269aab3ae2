"""How often an open page polls, and its cost: the API states the interval between prices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from rigs.chart_reading import wait_for_chart
from rigs.stand_in import StandIn
from tests.browser.conftest import Call, OpenPage

MINUTES_A_MONTH = 30 * 24 * 60
USD_A_REQUEST = 3.5e-6
"""API Gateway, REST; costs/prices.json has its page."""

POLL = 2.0


@pytest.mark.parametrize("unchanged", range(8))
@pytest.mark.parametrize("expected", [0, 1, 2, 15, 3600])
def test_no_wait_is_shorter_than_a_poll_or_longer_than_a_minute(
    call: Call, expected: int, unchanged: int
) -> None:
    wait = call("data/waiting.js", "rest", POLL, expected, unchanged)
    assert POLL <= wait <= 60
    assert wait <= max(POLL, expected)


@pytest.mark.parametrize("phase", [0.0, 0.4, 3.1, 7.7, 14.9])
@pytest.mark.parametrize("cadence", [5, 15])
def test_polls_come_as_often_as_prices_and_soon_after_them(
    call: Call, cadence: int, phase: float
) -> None:
    """An hour of prices each `cadence` seconds: few polls find nothing, and once the page has
    found its pace no price waits for long."""
    asked = polls_of_an_hour(call, cadence, phase)
    assert len(asked) / (3600 / cadence) < 1.2
    seen: dict[int, float] = {}
    for at in asked:
        seen.setdefault(math.floor((at - phase) / cadence), at)
    late = [at - (number * cadence + phase) for number, at in seen.items()]
    assert max(late[100:]) <= POLL + 0.5
    assert all(after - before == 1 for before, after in pairwise(list(seen)[1:]))


def polls_of_an_hour(call: Call, cadence: int, phase: float) -> list[float]:
    """Seconds at which a page asks that begins at 0."""
    waits = {
        unchanged: float(call("data/waiting.js", "rest", POLL, cadence, unchanged))
        for unchanged in range(10)
    }
    at, last, unchanged, asked = 0.0, -math.inf, 0, []
    while at < 3600:
        asked.append(at)
        newest = math.floor((at - phase) / cadence)
        unchanged = unchanged + 1 if newest == last else 0
        last = newest
        at += waits[min(unchanged, 9)]
    return asked


PASS = """async (seconds) => {
  const clock = window.__pwClock.controller;
  for (let second = 0; second < seconds; second += 1) {
    await clock.runFor(1000);
    await Promise.all([...asking]);
    await clock.runFor(20);  // for what follows on an answer
  }
}"""
"""What `page.clock.run_for` does, without a request to the browser for each second."""


def pass_seconds(page: Page, world: StandIn, seconds: int, cadence: int = 15) -> None:
    """Let the page's clock go on, with new prices each `cadence` seconds and each question
    answered before the next second begins."""
    begins, passed = world.stopped_at or 0.0, 0
    while passed < seconds:
        until = min((passed + 1) // cadence * cadence + cadence - 1, seconds)
        world.stopped_at = begins + until // cadence * cadence
        page.evaluate(PASS, until - passed)
        passed = until


COUNT_ASKING = """
  window.asking = new Set();
  const ask = window.fetch;
  window.fetch = (...given) => {
    const answer = ask(...given);
    const done = answer.then((found) => found.clone().text(), () => {});
    asking.add(done);
    void done.then(() => asking.delete(done));
    return answer;
  };
"""


def prepare(page: Page) -> None:
    page.add_init_script(COUNT_ASKING)
    page.clock.install()


def asked_in(world: StandIn, act: Callable[[], None]) -> Counter[str]:
    """Return the requests meanwhile, by route."""
    world.asked.clear()
    act()
    return Counter(urlsplit(path).path.split("/")[1] for path in world.asked)


@pytest.fixture
def page_at_rest(world: StandIn, open_page: OpenPage) -> Page:
    """A page whose list gets new prices each 15 seconds, after its first minute."""
    world.symbols = [f"SYM{number}" for number in range(25)]
    world.rules = []
    world.poll_seconds, world.max_age = POLL, 15
    world.stopped_at = 1_790_000_000.0
    page = open_page(world.page, prepare=prepare)
    wait_for_chart(page)
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    pass_seconds(page, world, 90)
    return page


def test_a_tab_open_for_a_month_costs_less_than_a_dollar_and_a_half(
    page_at_rest: Page, world: StandIn
) -> None:
    asked = asked_in(world, lambda: pass_seconds(page_at_rest, world, 600))
    assert 36 <= asked["prices"] <= 44, "one request a new price"
    assert asked.total() / 10 * MINUTES_A_MONTH * USD_A_REQUEST <= 1.5, asked


def test_an_alert_is_asked_for_when_a_quote_tells_of_it(page_at_rest: Page, world: StandIn) -> None:
    asked = asked_in(world, lambda: pass_seconds(page_at_rest, world, 60))
    assert asked["alerts"] <= 2
    world.fire("SYM3", "golden_cross", sma_5=2, sma_20=1)
    pass_seconds(page_at_rest, world, 30)
    expect(page_at_rest.locator("#activity")).to_contain_text("SYM3")


def test_a_closed_market_is_asked_about_once_a_minute(page_at_rest: Page, world: StandIn) -> None:
    world.max_age = 3600
    pass_seconds(page_at_rest, world, 240, cadence=10_000)
    asked = asked_in(world, lambda: pass_seconds(page_at_rest, world, 600, cadence=10_000))
    assert 9 <= asked["quotes"] <= 11
    assert asked.total() <= 16, asked
