"""Nothing jumps, nothing overflows, and everybody can use it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from rigs.chart_reading import wait_for_chart
from rigs.running_system import SHOWN, System
from rigs.stand_in import StandIn
from tests.browser.conftest import OpenPage
from tests.browser.npm_tools import npm_file
from tests.browser.test_controls import RULE

SHIFTS = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
}"""

VIEWS = ["#range=1D", "#view=compare&with=BRISKO,CINDRA", "#view=history"]


def show_everything(page: Page, view: str) -> None:
    """Wait until a view has its data."""
    if "compare" in view:
        page.wait_for_function("() => document.querySelector('.compare-plot')?.data?.length === 3")
    elif "history" in view:
        expect(page.locator("#history")).to_contain_text("Open and close of")
    else:
        wait_for_chart(page)
        expect(page.locator("#panel-alerts")).not_to_contain_text("Loading")
        expect(page.get_by_role("tab", name=re.compile("Rules"))).to_be_visible()


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_jumps_while_the_page_fills(
    system: System, open_page: OpenPage, width: int
) -> None:
    page = open_page(
        system.page,
        width=width,
        motion=True,
        prepare=lambda page: page.add_init_script(f"({SHIFTS})()"),
    )
    show_everything(page, VIEWS[0])
    page.wait_for_timeout(1500)
    assert page.evaluate("window.shift") < 0.1


@pytest.mark.parametrize("touch", [False, True])
def test_an_age_of_any_length_moves_nothing_on_a_phone(
    system: System, open_page: OpenPage, touch: bool
) -> None:
    page = open_page(system.page, width=390, touch=touch)
    wait_for_chart(page)
    expect(page.locator("#status .age")).to_be_visible()
    places = page.evaluate(
        """() => ["Data 9 s old", "Data 59 s old", "Delayed: 59 minutes and more"].map((text) => {
          document.querySelector("#status .age").textContent = text;
          const [link, shell] = ["#status .button", ".shell"].map((name) =>
            document.querySelector(name).getBoundingClientRect());
          return [shell.top, link.top];
        })"""
    )
    (top, link), two_digits, long = places
    assert two_digits == [top, link]
    assert long[0] == top
    assert long[1] > link or touch  # it wraps; a target for fingers may have wrapped before


@pytest.mark.parametrize("view", VIEWS)
def test_no_width_overflows(system: System, open_page: OpenPage, view: str) -> None:
    page = open_page(f"{system.page}/{view}")
    show_everything(page, view)
    for width in (320, 390, 768, 1024, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_timeout(150)
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


@pytest.mark.parametrize(("width", "touch"), [(390, True), (1280, False)])
def test_comparison_begins_right_below_its_tool_bar(
    system: System, open_page: OpenPage, width: int, touch: bool
) -> None:
    page = open_page(f"{system.page}{VIEWS[1]}", width=width, touch=touch)
    show_everything(page, VIEWS[1])
    gap = page.evaluate("""() => {
      const controls = [...document.querySelectorAll(".toolbar button, .toolbar select")];
      const ends = controls.map((one) => one.getBoundingClientRect().bottom);
      return document.querySelector("#compare").getBoundingClientRect().top - Math.max(...ends);
    }""")
    assert 0 < gap <= 24


def test_axe_finds_nothing_in_both_themes(system: System, open_page: OpenPage) -> None:
    axe = npm_file("axe-core/axe.min.js").read_text()
    page = open_page(
        f"{system.page}/{VIEWS[0]}",
    )
    found: dict[str, list[str]] = {}
    for view in VIEWS:
        page.evaluate("(hash) => { location.hash = hash; }", view)
        show_everything(page, view)
        found[view] = audit(page, axe)
    page.evaluate("() => { location.hash = '#range=1D'; }")
    show_everything(page, VIEWS[0])
    page.get_by_role("tab", name="Rules").click()
    page.get_by_role("button", name="Data as a table").click()
    page.get_by_role("button", name="New rule").click()
    found["rules, table and rule editor"] = audit(page, axe)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Channels").click()
    expect(page.get_by_role("dialog").locator("li")).to_have_count(1)
    found["channels"] = audit(page, axe)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Mutes").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("Nothing is muted.")
    found["mutes"] = audit(page, axe)
    assert {view: broken for view, broken in found.items() if broken} == {}


TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async (tags) => {
  const found = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
  return found.violations;
}"""
"""To describe all elements that pass would take as much CPU time as to judge them."""


def audit(page: Page, axe: str) -> list[str]:
    """Return axe-core's findings in the dark theme, and in light, where only colours differ."""
    page.wait_for_timeout(300)
    page.evaluate(axe)
    broken = page.evaluate(RUN, TAGS)
    page.evaluate("() => { document.documentElement.dataset.theme = 'light'; }")
    broken += page.evaluate(RUN, ["color-contrast"])
    page.evaluate("() => { delete document.documentElement.dataset.theme; }")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:200]}"
        for one in broken
        for node in one["nodes"][:3]
    ]


def test_every_control_is_reached_by_tab_and_shows_its_focus(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    expect(page.get_by_role("button", name="Data as a table")).to_be_visible()  # the last to come
    expect(page.locator("#watch tbody tr")).to_have_count(len(SHOWN))
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "() => document.activeElement.id || document.activeElement.dataset.symbol ||"
                " document.activeElement.textContent.trim().slice(0, 20)"
            )
        )
    wanted = {"Skip to the chart", "Chart", "Compare", "1D", "Max", "Dates", "Indicators"}
    assert wanted | {"Exchange time", "Export", "chart", "Data as a table", "ARBORO"} <= seen
    page.locator("#chart").focus()
    page.keyboard.press("Tab")
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_motion_is_reduced_on_request(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    expect(page.locator("#watch td").first).to_be_visible()
    page.evaluate("() => document.querySelector('#watch td').classList.add('flash-up')")
    name = page.evaluate(
        "() => getComputedStyle(document.querySelector('#watch td')).animationName"
    )
    assert name == "none"


def test_policy_stops_inline_scripts_and_other_hosts(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page, expect="Content Security Policy")
    wait_for_chart(page)
    page.evaluate("""() => {
      const script = document.createElement('script');
      script.textContent = 'window.inline = true';
      document.body.append(script);
    }""")
    assert page.evaluate("window.inline") is None
    refused = page.evaluate("() => fetch('http://127.0.0.2:9/').catch((e) => e.name)")
    assert refused == "TypeError"


@pytest.mark.parametrize(("width", "touch"), [(390, True), (390, False), (1440, False)])
def test_chart_begins_below_its_legend_however_many_lines_it_has(
    world: StandIn, open_page: OpenPage, width: int, touch: bool
) -> None:
    shown = "show=volume,sma,ema,bollinger,vwap,rsi,macd"
    page = open_page(f"{world.page}/#range=1D&{shown}", width=width, touch=touch)
    wait_for_chart(page)
    expect(page.locator("#readout .lines")).to_contain_text("Signal")
    page.wait_for_function(
        """() => {
          const [legend, plot, overlay] = ["readout", "plot", "overlay"].map((id) =>
            document.getElementById(id).getBoundingClientRect());
          const drawn = document.getElementById("plot")._fullLayout;
          return legend.bottom <= plot.top && overlay.top === plot.top &&
            drawn.height === Math.round(plot.height);
        }"""
    )


@pytest.mark.parametrize("width", [390, 900, 1024, 1440])
def test_head_of_the_alerts_holds_all_its_buttons(
    world: StandIn, open_page: OpenPage, width: int
) -> None:
    world.rules = [{**RULE, "rule_id": f"r{i}"} for i in range(12)]
    for _ in range(200):
        world.fire("ACME", "price_above", level=150.0)
    denied = "Object.defineProperty(Notification, 'permission', { get: () => 'denied' })"
    page = open_page(world.page, width=width, prepare=lambda page: page.add_init_script(denied))
    expect(page.get_by_role("button", name="Notify: blocked")).to_be_visible()
    expect(page.get_by_role("tab", name="Fired")).to_contain_text("200+")
    expect(page.get_by_role("tab", name="Rules")).to_contain_text("12")
    over = page.evaluate(
        """() => {
          const head = document.querySelector("#activity .panel-head");
          const edge = head.getBoundingClientRect().right;
          return [...head.children].filter((node) => node.getBoundingClientRect().right > edge - 8)
            .map((node) => node.textContent);
        }"""
    )
    assert over == []


def test_dialogs_over_each_other_have_their_own_list_of_time_zones(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules = []
    page = open_page(world.page)
    page.get_by_role("tab", name="Rules").click()
    page.get_by_role("button", name="Channels").click()
    dialog = page.get_by_role("dialog", name="Channels")
    dialog.get_by_role("button", name="When to send", exact=True).click()
    expect(page.locator("datalist")).to_have_count(1)
    dialog.locator("li").get_by_role("button", name="When to send").click()
    expect(page.locator("datalist")).to_have_count(2)
    lists = "[...document.querySelectorAll('datalist')]"
    assert page.evaluate(f"new Set({lists}.map(({{ id }}) => id)).size") == 2
    fields = "[...document.querySelectorAll('dialog input[list]')]"
    assert page.evaluate(
        f"{fields}.every((node) => node.list.closest('dialog') === node.closest('dialog'))"
    )
