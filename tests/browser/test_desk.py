"""A desk of several charts: its layouts, what they share, and that all get their prices."""

from __future__ import annotations

import json
import re
from collections import Counter
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Route, expect

from rigs.chart_reading import zoom_in
from rigs.running_system import SHOWN, System
from rigs.stand_in import StandIn
from tests.browser.conftest import OpenPage
from tests.browser.npm_tools import npm_file
from tests.browser.socket_tap import SocketTap
from tests.browser.test_layout import SHIFTS, audit
from tests.browser.test_phone import PHONE, SMALL
from tests.browser.test_polling import asked_in, pass_seconds, prepare
from tests.browser.test_push import PUSHED, link, until
from tests.browser.test_soak import wait_for_updates

CHARTS = """() => [...document.querySelectorAll('.pages .js-plotly-plot')]
  .filter((graph) => graph.checkVisibility() && graph.data?.length)"""
NAMES = f"() => ({CHARTS})().map(({{ data, layout }}) => data[0].name + ' ' + layout.uirevision)"
TIMES = f"""() => ({CHARTS})().map(({{ layout: {{ xaxis }} }}) => xaxis.range.map(Math.round))"""
LAST = f"""() => Object.fromEntries(({CHARTS})().map(({{ data: [candles] }}) =>
  [candles.name, [candles.x.length, new Set(candles.x).size, candles.close.at(-1)]]))"""
SAME = f"() => new Set(({TIMES})().map((range) => range.join())).size === 1"
FOUR = "desk=BOLT*1D*auto,CRUX*1D*auto,DYNE*1D*auto"


def wait_for_charts(page: Page, *wanted: str) -> None:
    """Wait until the visible charts are of these symbols and ranges, in this order."""
    given = [f"{symbol} {symbol}:{period}" for symbol, period in (one.split() for one in wanted)]
    page.wait_for_function(
        f"(wanted) => JSON.stringify(({NAMES})().map((name) => name.replace(/(:[^:]*):.*/, '$1')))"
        " === wanted",
        arg=json.dumps(given, separators=(",", ":")),
    )


def lay_out(page: Page, *choices: str) -> None:
    """Choose in the menu of layouts."""
    page.get_by_role("button", name="Layout").click()
    for choice in choices:
        page.locator("#toolbar").get_by_role("button", name=choice, exact=True).click()
    page.keyboard.press("Escape")


def row(page: Page, symbol: str) -> Locator:
    return page.locator(f"#watch tr[data-symbol={symbol}]")


def panel(page: Page, number: int) -> Locator:
    return page.get_by_role("region", name=re.compile(f"^Chart {number}: "))


def test_charts_are_chosen_linked_by_symbol_closed_and_kept(
    world: StandIn, open_page: OpenPage
) -> None:
    world.stopped_at = world.now()
    page = open_page(world.page)
    wait_for_charts(page, "ACME 1D")
    lay_out(page, "4")
    wait_for_charts(page, "ACME 1D", "BOLT 1D", "CRUX 1D", "DYNE 1D")
    expect(page).to_have_url(re.compile(re.escape(FOUR)))
    assert columns(page) == 2
    expect(page.locator("#chart")).to_have_attribute("aria-current", "true")
    panel(page, 3).locator(".plot").click()
    expect(panel(page, 3)).to_have_attribute("aria-current", "true")
    expect(row(page, "CRUX")).to_have_attribute("aria-selected", "true")
    row(page, "FLUX").click()
    wait_for_charts(page, "ACME 1D", "BOLT 1D", "FLUX 1D", "DYNE 1D")
    page.get_by_label("Range of chart 2").select_option("5D")
    page.get_by_label("Symbol of chart 4").select_option("EPIC")
    wait_for_charts(page, "ACME 1D", "BOLT 5D", "FLUX 1D", "EPIC 1D")
    page.reload()
    wait_for_charts(page, "ACME 1D", "BOLT 5D", "FLUX 1D", "EPIC 1D")
    lay_out(page, "Symbol")
    wait_for_charts(page, "ACME 1D", "ACME 5D", "ACME 1D", "ACME 1D")
    row(page, "GRIT").click()
    wait_for_charts(page, "GRIT 1D", "GRIT 5D", "GRIT 1D", "GRIT 1D")
    page.get_by_role("button", name="Close chart 3").click()
    wait_for_charts(page, "GRIT 1D", "GRIT 5D", "GRIT 1D")
    expect(page.locator("#chart")).to_be_focused()
    page.goto("about:blank")
    page.goto(world.page)  # without a view in the address: as the browser has kept it
    wait_for_charts(page, "GRIT 1D", "GRIT 5D", "GRIT 1D")
    lay_out(page, "1")
    wait_for_charts(page, "GRIT 1D")
    expect(page.locator("#chart")).not_to_have_attribute("aria-current", "true")
    expect(page).not_to_have_url(re.compile("desk="))


def drag(page: Page, number: int, pixels: int) -> None:
    box = panel(page, number).locator(".nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200 + pixels, box["y"] + 60, steps=4)
    page.mouse.up()


def test_charts_linked_by_time_share_zoom_and_crosshair(
    world: StandIn, open_page: OpenPage
) -> None:
    world.stopped_at = world.now()
    page = open_page(
        f"{world.page}/#symbol=ACME&{FOUR}&link=time",
        prepare=lambda page: page.add_init_script(f"({SHIFTS})()"),
    )
    wait_for_charts(page, "ACME 1D", "BOLT 1D", "CRUX 1D", "DYNE 1D")
    assert page.evaluate("window.shift") < 0.03, "places of the charts are kept"
    everything = page.evaluate(TIMES)[0]
    zoom_in(page)
    page.wait_for_function(SAME)
    expect(page).to_have_url(re.compile("from="))
    zoomed = page.evaluate(TIMES)[0]
    assert zoomed[1] - zoomed[0] < everything[1] - everything[0]
    panel(page, 2).locator(".chart").focus()
    page.keyboard.press("+")
    page.wait_for_function(f"(last) => ({TIMES})()[1][1] !== last", arg=zoomed[1])
    page.wait_for_function(SAME)
    drag(page, 3, 30)
    drag(page, 3, 30)
    page.wait_for_function(f"(last) => ({TIMES})()[0][1] < last - 10", arg=zoomed[1])
    page.wait_for_function(SAME)
    page.locator("#chart").focus()
    page.keyboard.press("0")
    page.wait_for_function(
        f"(all) => ({TIMES})().every((range) => range[0] === all)", arg=everything[0]
    )
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    times = page.locator(".pages .readout .time")
    expect(times.first).to_have_text(times.nth(1).inner_text())
    expect(times.last).to_have_text(times.nth(1).inner_text())
    assert page.locator(".pages .cross-v:visible").count() == 4
    page.get_by_label("Range of chart 4").select_option("5D")
    wait_for_charts(page, "ACME 5D", "BOLT 5D", "CRUX 5D", "DYNE 5D")
    page.wait_for_function(SAME)
    expect(page).not_to_have_url(re.compile("from="))
    lay_out(page, "Nothing")
    zoom_in(page)
    page.wait_for_function(f"() => new Set(({TIMES})().map(String)).size === 2")


def test_pushed_prices_reach_all_charts_as_the_api_has_them(
    system: System, open_page: OpenPage
) -> None:
    taps: list[SocketTap] = []
    first, second, third, fourth = SHOWN[:4]
    desk = f"desk={second}*1D*1m,{third}*1D*5m,{fourth}*1M*1d"
    page = open_page(
        f"{system.page}/#symbol={first}&interval=1m&{desk}",
        prepare=lambda page: taps.append(SocketTap(page)),
    )
    wait_for_charts(page, f"{first} 1D", f"{second} 1D", f"{third} 1D", f"{fourth} 1M")
    expect(link(page)).to_have_attribute("title", PUSHED)
    tap = taps[0]
    assert tap.connections == 1
    intervals = dict(zip(SHOWN, ("1m", "1m", "5m", "1d"), strict=False))

    def is_shown() -> bool:
        asked = {
            symbol: system.get(f"/prices/{symbol}?interval={size}&limit=1&sort=desc")["prices"][0]
            for symbol, size in intervals.items()
        }
        drawn = page.evaluate(LAST)
        assert all(count == distinct for count, distinct, _ in drawn.values())
        return all(drawn[symbol][2] == bar["close"] for symbol, bar in asked.items())

    before = page.evaluate(LAST)
    until(tap, lambda: all(page.evaluate(LAST)[name][2] != before[name][2] for name in before))
    until(tap, is_shown)
    assert tap.connections == 1


def test_desk_costs_no_request_in_an_idle_market_and_one_for_each_new_price(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules = []
    world.poll_seconds, world.max_age = 2.0, 15
    world.stopped_at = 1_790_000_000.0
    page = open_page(f"{world.page}/#symbol=ACME&{FOUR}", prepare=prepare)
    wait_for_charts(page, "ACME 1D", "BOLT 1D", "CRUX 1D", "DYNE 1D")
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    pass_seconds(page, world, 60)
    moving = asked_in(world, lambda: pass_seconds(page, world, 60))
    bars = Counter(urlsplit(path).path for path in world.asked if path.startswith("/prices"))
    assert set(bars) == {f"/prices/{name}" for name in ("ACME", "BOLT", "CRUX", "DYNE")}
    assert max(bars.values()) - min(bars.values()) <= 1
    idle = asked_in(world, lambda: pass_seconds(page, world, 60, cadence=10_000))
    assert idle["prices"] <= 4, "those of the last new price"
    assert moving["quotes"] <= 5, "one for all charts each 15 seconds"
    assert idle["quotes"] <= 8


def columns(page: Page) -> int:
    """How many charts are side by side."""
    lefts = "(nodes) => new Set(nodes.map((node) => node.getBoundingClientRect().left)).size"
    return int(page.locator("#chart, .desk-panel").evaluate_all(lefts))


def test_desk_on_a_phone_is_one_column_with_targets_for_fingers_and_pleases_axe(
    world: StandIn, open_page: OpenPage
) -> None:
    world.stopped_at = world.now()
    page = open_page(f"{world.page}/#symbol=ACME&{FOUR}&link=time", **PHONE)
    wait_for_charts(page, "ACME 1D", "BOLT 1D", "CRUX 1D", "DYNE 1D")
    expect(page.locator("#panel-alerts")).not_to_contain_text("Loading")
    expect(page.get_by_role("button", name="Next symbol")).to_be_visible()
    assert audit(page, npm_file("axe-core/axe.min.js").read_text()) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert columns(page) == 1
    page.get_by_role("button", name="Layout").click()
    expect(page.get_by_role("button", name="Time", exact=True)).to_be_visible()
    assert page.evaluate(SMALL) == []


def test_chart_whose_bars_fail_says_so_itself_and_the_others_go_on(
    world: StandIn, open_page: OpenPage
) -> None:
    asked: list[str] = []

    def refuse(page: Page) -> None:
        def answer(route: Route) -> None:
            asked.append(route.request.url)
            route.fulfill(status=413, json={"title": "Too large"})

        page.route("**/prices/DYNE?*", answer)

    world.poll_seconds = 0.2
    page = open_page(f"{world.page}/#symbol=ACME&{FOUR}", prepare=refuse, expect="413")
    wait_for_charts(page, "ACME 1D", "BOLT 1D", "CRUX 1D")
    expect(panel(page, 4)).to_contain_text("Too large")
    polls = asked_in(world, lambda: wait_for_updates(page, world, 10))["quotes"]
    expect(link(page)).to_have_text("Live")
    assert len(asked) <= 3 * (polls + 10), "its chart and its small one, once a poll"
