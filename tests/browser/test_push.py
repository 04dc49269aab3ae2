"""Pushed prices against the real system, with a socket that is cut, mute, disordered or refused."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from rigs.chart_reading import wait_for_chart, x_range, zoom_in
from rigs.running_system import SHOWN, System
from tests.browser.conftest import OpenPage
from tests.browser.socket_tap import SocketTap
from tests.patience import PATIENCE_SECONDS, pauses

PUSHED = re.compile("Prices are pushed as they arrive")
MUTE = re.compile("pushed prices have stopped")
BLOCKED = re.compile("cannot be reached")
FRAME_MILLISECONDS = 50
BARS = """() => {
  const { data } = document.querySelector('.js-plotly-plot');
  return [...data.find((trace) => trace.type === 'candlestick').x];
}"""
ROWS = """(rows) => rows.map((row) =>
  [row.dataset.symbol, row.querySelector('.c-last, td:nth-child(3)').textContent])"""


def link(page: Page) -> Any:
    """The badge that says how prices arrive."""
    return page.locator("#status button[data-link]")


def opened(open_page: OpenPage, system: System, **given: Any) -> SocketTap:
    """Open the page with a tap on its socket; return it once prices are pushed."""
    taps: list[SocketTap] = []
    page = open_page(system.page, prepare=lambda page: taps.append(SocketTap(page)), **given)
    wait_for_chart(page)
    expect(link(page)).to_have_attribute("title", PUSHED)
    return taps[0]


def until(tap: SocketTap, ask: Callable[[], object]) -> None:
    """Let the page and the tap work until something is true."""
    end = time.monotonic() + PATIENCE_SECONDS
    for pause in pauses():
        if ask():
            return
        assert time.monotonic() < end
        tap.page.wait_for_timeout(pause * 1000)


def wait_for_events(tap: SocketTap, count: int) -> None:
    """Wait until that many more events have come."""
    wanted = tap.events + count
    until(tap, lambda: tap.events >= wanted)


def shows_what_the_api_answers(tap: SocketTap, system: System) -> bool:
    """Return whether the list's prices are those of the API, and no bar is drawn twice."""
    quotes = system.get(f"/quotes?symbols={','.join(SHOWN)}")["quotes"]
    rows = tap.page.locator("#watch tbody tr").evaluate_all(ROWS)
    shown = {symbol: float(text.replace(",", "")) for symbol, text in rows}
    bars = tap.page.evaluate(BARS)
    assert len(bars) == len(set(bars))
    return shown == {quote["symbol"]: round(quote["price"], 2) for quote in quotes}


def test_a_cut_a_mute_and_a_disordered_socket_show_what_the_api_answers(
    system: System, open_page: OpenPage
) -> None:
    tap = opened(open_page, system)
    for mode in ("swap", "repeat", "pass"):
        tap.mode = mode
        wait_for_events(tap, 2)
        until(tap, lambda: shows_what_the_api_answers(tap, system))
    tap.mode = "drop"
    expect(link(tap.page)).to_have_attribute("title", MUTE)
    expect(link(tap.page)).to_have_text("Live, polling")
    until(tap, lambda: shows_what_the_api_answers(tap, system))
    tap.mode = "pass"
    expect(link(tap.page)).to_have_attribute("title", PUSHED)
    tap.cut()
    until(tap, lambda: tap.connections == 2)
    expect(link(tap.page)).to_have_attribute("title", PUSHED)
    until(tap, lambda: shows_what_the_api_answers(tap, system))


def test_an_event_that_cannot_be_taken_ends_its_connection_alone(
    system: System, open_page: OpenPage
) -> None:
    tap = opened(open_page, system)
    until(tap, lambda: SHOWN[0] in tap.last)
    before = tap.connections
    tap.send({**tap.change_of(SHOWN[0]), "version": 10**9, "quote": None})
    until(tap, lambda: tap.connections > before)
    expect(link(tap.page)).to_have_attribute("title", PUSHED)
    wait_for_events(tap, 2)
    until(tap, lambda: shows_what_the_api_answers(tap, system))
    expect(link(tap.page)).to_have_attribute("title", PUSHED)


def test_a_refused_socket_leaves_the_page_polling_and_saying_so(
    system: System, open_page: OpenPage
) -> None:
    asked: list[str] = []

    def refuse(page: Page) -> None:
        page.route_web_socket("ws://127.0.0.1:*/event/realtime", lambda route: route.close())
        page.on("request", lambda request: asked.append(request.url))

    page = open_page(system.page, prepare=refuse)
    wait_for_chart(page)
    expect(link(page)).to_have_attribute("title", BLOCKED)
    expect(link(page)).to_have_text("Live, polling")
    known = len(asked)
    end = time.monotonic() + PATIENCE_SECONDS
    while sum("/quotes" in url for url in asked[known:]) < 2:
        assert time.monotonic() < end
        page.wait_for_timeout(50)


def test_twenty_updates_a_second_lose_no_zoom(system: System, open_page: OpenPage) -> None:
    tap = opened(open_page, system)
    zoomed, last = updates(tap, 20)
    expect(row_of(tap.page)).to_contain_text(last)
    assert x_range(tap.page) == zoomed


@pytest.mark.long
def test_twenty_updates_a_second_for_a_minute_cost_no_memory(
    system: System, open_page: OpenPage
) -> None:
    tap = opened(open_page, system)
    used = []
    for count in (100, 300, 300, 300, 300):
        zoomed, last = updates(tap, count)
        expect(row_of(tap.page)).to_contain_text(last)
        assert x_range(tap.page) == zoomed
        used.append(heap(tap.page))
    assert used[-1] < used[0] + 5e6, used


@pytest.mark.long
def test_twenty_updates_a_second_leave_every_frame_of_a_drag_short(
    system: System, open_page: OpenPage
) -> None:
    tap = opened(open_page, system)
    updates(tap, 100)  # compiles and loads what is used for the first time
    with tasks_of(tap.page) as milliseconds:
        updates(tap, 1200, dragging=True)
    assert len(milliseconds) > 1200
    assert max(milliseconds) < FRAME_MILLISECONDS, sorted(milliseconds)[-10:]


def heap(page: Page) -> float:
    """Bytes that the page's scripts hold after a collection of garbage."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    found = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return float(found)


def row_of(page: Page) -> Locator:
    """The open symbol's line in the list."""
    return page.locator(f'#watch tr[data-symbol="{SHOWN[0]}"]')


@contextmanager
def tasks_of(page: Page) -> Iterator[list[float]]:
    """Trace the page; at the end the list has the milliseconds of processor that each task of its
    main thread took. A task that waits for a busy machine does not count as longer."""
    found: list[float] = []
    browser = page.context.browser
    assert browser
    browser.start_tracing(page=page, categories=["toplevel"])
    yield found
    events = json.loads(browser.stop_tracing())["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    found += [
        event["tdur"] / 1000
        for event in events
        if event["name"].endswith("RunTask")
        and "tdur" in event
        and (event["pid"], event["tid"]) in main
    ]


def updates(tap: SocketTap, count: int, dragging: bool = False) -> tuple[list[float], str]:
    """Push that many prices of the open symbol, twenty a second, to a zoomed and dragged chart.

    Return the range of its x axis before them, and the last price as the list shows it. `dragging`
    goes on with the drag meanwhile, to and fro.
    """
    page, symbol = tap.page, SHOWN[0]
    tap.mode = "pass"
    wait_for_events(tap, 2)
    until(tap, lambda: symbol in tap.last)
    tap.mode = "drop"
    zoom_in(page)
    page.mouse.down()
    page.mouse.move(600, 400, steps=4)
    if not dragging:
        page.mouse.up()
    zoomed = x_range(page)
    change = tap.change_of(symbol)
    for n in range(1, count + 1):
        price = round(change["quote"]["price"] * (1 + (n % 10) / 1000), 2)
        minute = change["minutes"][-1]
        version = change["version"] + n
        tap.send(
            {
                **change,
                "first": version,
                "version": version,
                "quote": {**change["quote"], "price": price},
                "minutes": [{**minute, "close": price, "high": max(minute["high"], price)}],
            }
        )
        if dragging:
            page.mouse.move(600 + abs(n % 80 - 40), 400)
        page.wait_for_timeout(50)
    page.mouse.up()
    return zoomed, f"{price:,.2f}"
