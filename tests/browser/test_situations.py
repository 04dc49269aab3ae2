"""Situations that the real system cannot be brought into at will, against the stand-in."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, Route, expect

from rigs.chart_reading import closes, wait_for_chart, x_range, zoom_in
from rigs.stand_in import StandIn, text_of
from tests.browser.conftest import OpenPage


def test_chart_is_drawn_and_a_zoom_survives_ten_updates(
    world: StandIn, open_page: OpenPage
) -> None:
    page = open_page(world.page)
    wait_for_chart(page)
    assert 60 <= len(closes(page)) <= 500
    before = x_range(page)
    zoom_in(page)
    zoomed = x_range(page)
    asked = sum(path.startswith("/quotes") for path in world.asked)
    assert zoomed[1] - zoomed[0] < before[1] - before[0]
    while sum(path.startswith("/quotes") for path in world.asked) < asked + 10:
        page.wait_for_timeout(200)
    assert x_range(page) == zoomed


def test_each_drag_of_a_zoomed_chart_is_in_the_address(world: StandIn, open_page: OpenPage) -> None:
    world.stopped_at = world.now()
    page = open_page(world.page)
    wait_for_chart(page)
    zoom_in(page)
    expect(page).to_have_url(re.compile("from="))
    box = page.locator(".nsewdrag").first.bounding_box()
    assert box
    for _ in range(2):
        before = page.url
        page.mouse.move(box["x"] + 300, box["y"] + 90)
        page.mouse.down()
        page.mouse.move(box["x"] + 340, box["y"] + 90, steps=4)
        page.mouse.up()
        expect(page).not_to_have_url(before)


@pytest.mark.parametrize("address", ["", "#symbol=BOLT"])
def test_first_view_asks_for_each_thing_once(
    world: StandIn, open_page: OpenPage, address: str
) -> None:
    world.poll_seconds = 60
    page = open_page(f"{world.page}/{address}")
    wait_for_chart(page)
    expect(page.locator("#quote .change")).to_contain_text("%")
    symbol = "BOLT" if address else "ACME"
    bars = f"/prices/{symbol}?period=1d&interval=auto&limit=500&sort=desc"
    assert world.asked.count(bars) == 1
    assert sum(path.startswith("/symbols") for path in world.asked) == 1
    assert sum(path.startswith("/quotes") for path in world.asked) == 1


def test_api_that_fails_is_said_and_the_page_recovers(world: StandIn, open_page: OpenPage) -> None:
    page = open_page(world.page, expect=world.api)
    wait_for_chart(page)
    world.failing = 503
    expect(page.locator("#status")).to_contain_text("No answer, retrying in")
    world.failing = 0
    expect(page.locator("#status")).to_contain_text("Live")


def test_api_that_fails_at_the_start_is_said_in_the_charts_place(
    world: StandIn, open_page: OpenPage
) -> None:
    world.failing = 500
    page = open_page(f"{world.page}/#symbol=ACME", expect=world.api)
    expect(page.locator("#chart-message")).to_contain_text("could not be loaded")
    world.failing = 0
    wait_for_chart(page)
    expect(page.locator("#chart-message")).to_be_empty()


@pytest.mark.parametrize("status", [413, 500])
def test_prices_are_shown_although_the_list_of_symbols_cannot_be_had(
    world: StandIn, open_page: OpenPage, status: int
) -> None:
    """Each poll began with the list, and ended there."""

    def refuse(page: Page) -> None:
        headers = {"Access-Control-Allow-Origin": "*"}
        page.route(
            "**/symbols", lambda route: route.fulfill(status=status, body="{}", headers=headers)
        )

    page = open_page(f"{world.page}/#symbol=ACME", expect="/symbols", prepare=refuse)
    wait_for_chart(page)
    expect(page.locator("#status")).to_contain_text("Live")
    asked = sum(path.startswith("/quotes") for path in world.asked)
    while sum(path.startswith("/quotes") for path in world.asked) < asked + 2:
        page.wait_for_timeout(200)


def test_device_that_is_offline_is_said(world: StandIn, open_page: OpenPage) -> None:
    page = open_page(world.page, expect="ERR_INTERNET_DISCONNECTED")
    wait_for_chart(page)
    expect(page.get_by_role("button", name="Data as a table")).to_be_visible()  # all has come
    page.context.set_offline(True)
    expect(page.locator("#status")).to_contain_text("Offline")
    page.context.set_offline(False)
    expect(page.locator("#status")).to_contain_text("Live")


@pytest.mark.parametrize(
    ("age", "words"), [(0, "Data"), (120, "Delayed: 2 min"), (5000, "Stale: 83 min old")]
)
def test_age_of_the_data_is_always_visible(
    world: StandIn, open_page: OpenPage, age: float, words: str
) -> None:
    world.age_seconds = age
    page = open_page(world.page)
    expect(page.locator("#status .age")).to_contain_text(words)


def test_prices_of_an_exchange_that_the_source_delays_are_said_to_be(
    world: StandIn, open_page: OpenPage
) -> None:
    world.age_seconds = world.exchange_delay_seconds = 1200
    page = open_page(world.page)
    badge = page.locator("#status .age")
    expect(badge).to_contain_text("Delayed: 20 min")
    expect(badge).to_have_attribute("title", re.compile("prices of this exchange by 20 minutes"))


def test_signals_and_messages_that_are_behind_are_said_until_they_have_caught_up(
    world: StandIn, open_page: OpenPage
) -> None:
    world.detect_lag_seconds = 441
    world.deliver_lag_seconds = 200
    page = open_page(world.page)
    signals, messages = page.locator("#status .lag"), page.locator("#status .late")
    expect(signals).to_have_text("Catching up: 7 min behind", timeout=60_000)
    expect(messages).to_have_text("Messages: 3 min late")
    world.detect_lag_seconds = world.deliver_lag_seconds = 0
    expect(signals).to_be_hidden(timeout=60_000)
    expect(messages).to_be_hidden()


def test_closed_market_says_until_when(world: StandIn, open_page: OpenPage) -> None:
    world.market_state = "CLOSED"
    world.next_open = "2026-11-23T14:30:00.000000Z"
    page = open_page(world.page)
    expect(page.locator("#status .session")).to_have_text(
        "Market closed until Mon 23 Nov 14:30 UTC"
    )


def test_deployment_without_symbols_says_so(world: StandIn, open_page: OpenPage) -> None:
    world.symbols = []
    page = open_page(world.page)
    expect(page.locator("#watch")).to_contain_text("No symbols yet")
    expect(page.locator("#chart-message")).to_contain_text("Waiting for the first prices")


def test_reader_with_a_wrong_clock_sees_the_datas_real_age(
    world: StandIn, open_page: OpenPage
) -> None:
    page = open_page(
        world.page, prepare=lambda page: page.clock.set_system_time(time.time() - 3600)
    )
    wait_for_chart(page)
    expect(page.locator("#status .age")).to_contain_text("Data")


def test_new_bars_push_the_oldest_out_and_move_nothing(world: StandIn, open_page: OpenPage) -> None:
    now = time.time()
    world.stopped_at = now - now % 60 - 3600
    page = open_page(f"{world.page}/#symbol=ACME&range=5D&interval=1m")
    wait_for_chart(page, 500)
    zoom_in(page)
    zoomed = x_range(page)
    world.stopped_at += 600
    page.wait_for_function("() => document.querySelector('.js-plotly-plot').data[0].x[0] === 10")
    assert len(closes(page)) == 500
    assert x_range(page) == zoomed
    assert text_of(world.now()).endswith("Z")


def give_token(page: Page, token: str, *, keep: bool = False) -> None:
    """Fill the dialog that asks for a token."""
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_label("Keep on this device").set_checked(keep)
    page.get_by_role("button", name="Use token").click()


def test_deployment_closed_for_reading_asks_for_a_token_and_keeps_it_on_request(
    world: StandIn, open_page: OpenPage
) -> None:
    world.token = "the token of this test"
    page = open_page(f"{world.page}/#symbol=ACME", expect="status of 401")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("not open for reading. This needs the token of a key")
    give_token(page, world.token)
    wait_for_chart(page)
    expect(page.locator("#status")).to_contain_text("Live")
    page.reload()
    give_token(page, world.token, keep=True)
    wait_for_chart(page)
    page.reload()
    wait_for_chart(page)
    expect(dialog).to_have_count(0)


def test_a_refused_or_expired_key_is_reported_and_another_is_requested(
    world: StandIn, open_page: OpenPage
) -> None:
    world.token, world.scopes = "the token of this test", "reports"
    page = open_page(f"{world.page}/#symbol=ACME", expect="status of 40")
    give_token(page, world.token)
    page.locator("#status button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This key does not have the scope read.")
    world.scopes = "read"
    give_token(page, world.token)
    wait_for_chart(page)
    expect(page.locator("#status")).to_contain_text("Live")
    world.token = "another token"
    expect(dialog).to_contain_text("it is unknown, revoked or expired")
    give_token(page, world.token)
    expect(page.locator("#status")).to_contain_text("Live")


def test_signals_are_those_of_the_drawn_bars_while_other_bars_are_on_their_way(
    world: StandIn, open_page: OpenPage
) -> None:
    page = open_page(world.page)
    wait_for_chart(page)
    shown = page.evaluate("""async () => {
      const { mountBelow } = await import("/js/views/below.js");
      const bars = (n) => Array.from({ length: n }, (_, i) => ({ time: i * 60e3, close: i }));
      const series = (n) => ({ symbol: "ACME", interval: "1m", bars: bars(n) });
      const computed = { lines: {}, crosses: [{ index: 250, kind: "golden_cross" }] };
      const state = { series: series(10), symbolAlerts: [], focus: null };
      const chart = new EventTarget();
      document.querySelector("#below").replaceChildren();
      const store = { state, watch() {} };
      mountBelow({ chart, zone: "UTC", places: 2, committed: series(300), computed, store });
      chart.dispatchEvent(new Event("committed"));
      return document.querySelector("#below .signals").innerText;
    }""")
    assert "250.00" in shown
    assert "04:10" in shown


def test_the_charts_surroundings_are_requested_again_when_the_connection_drops(
    world: StandIn, open_page: OpenPage
) -> None:
    dropped: list[str] = []

    def drop_once(route: Route) -> None:
        if dropped:
            route.continue_()
        else:
            dropped.append(route.request.url)
            route.abort()

    page = open_page(
        world.page, expect="later.js", prepare=lambda page: page.route("**/later.js", drop_once)
    )
    wait_for_chart(page)
    expect(page.locator("#watch td").first).to_be_visible()
    assert len(dropped) == 1


def test_symbol_with_history_alone_has_its_last_close_and_opens_on_a_year(
    world: StandIn, open_page: OpenPage
) -> None:
    world.symbols, world.only_days, world.source = ["ACME", "BOLT"], {"ACME"}, "replay"
    world.stopped_at = time.time()
    days = world.prices("ACME", {"interval": "1d", "limit": "2", "sort": "desc"})[1]["prices"]
    last, before = (day["close"] for day in days)
    page = open_page(f"{world.page}/#symbol=ACME")
    wait_for_chart(page)
    expect(page.locator("#quote .value")).to_have_text(f"{last:,.2f}")
    percent = f"{abs(100 * (last / before - 1)):.2f}%"
    expect(page.locator("#quote .change")).to_contain_text(percent)
    expect(page.locator("#quote .facts")).to_contain_text("Last day")
    expect(page.locator("#status .source")).to_have_text("Recording")
    expect(page.locator("#status .age")).to_contain_text("History until")
    expect(page.locator("#toolbar [aria-pressed=true]", has_text="1Y")).to_be_visible()
    row = page.locator("#watch tr[data-symbol=ACME]")
    expect(row.locator(".c-last")).to_have_text(f"{last:,.2f}")
    expect(row.locator("canvas")).to_have_attribute("data-points", "60")
    assert not re.search("collecting|no price", row.inner_text())
    world.only_days = set()  # its first tick comes
    expect(page.locator("#quote .facts")).to_contain_text("Last tick")


@pytest.mark.parametrize("view", ["compare", "history"])
def test_a_view_that_cannot_be_loaded_says_so_and_opens_when_it_is_tried_again(
    world: StandIn, open_page: OpenPage, view: str
) -> None:
    page = open_page(
        f"{world.page}/#symbol=ACME&view={view}",
        expect="Failed to load",
        prepare=lambda page: page.route(f"**/views/{view}.js", lambda route: route.abort()),
    )
    section = page.locator(f"#{view}")
    expect(section.get_by_role("alert")).to_have_text("This view could not be loaded.")
    page.unroute(f"**/views/{view}.js")
    section.get_by_role("button", name="Try again").click()
    expect(section.locator(".page-head")).to_be_visible()
    expect(section.get_by_role("alert")).to_have_count(0)
