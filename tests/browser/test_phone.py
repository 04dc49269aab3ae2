"""The page on a phone: swipes from symbol to symbol, and targets for fingers."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rigs.chart_reading import wait_for_chart
from rigs.stand_in import StandIn
from tests.browser.conftest import Call, OpenPage
from tests.browser.test_controls import RULE

PHONE: dict[str, Any] = {"width": 390, "height": 844, "touch": True}
SMALL = """() => {
  const named = 'a[href], button, select, input, textarea, summary, tr[data-symbol], [role=tab]';
  const isShown = (node) => node.checkVisibility({ visibilityProperty: true });
  return [...document.querySelectorAll(named)].filter(isShown).flatMap((node) => {
    const isBox = ['checkbox', 'radio'].includes(node.type);
    const { width, height, right } = (isBox ? node.closest('label') : node).getBoundingClientRect();
    const name = node.getAttribute('aria-label') ?? node.textContent.trim();
    return right > 0 && (width < 44 || height < 44) ? [[name, width, height]] : [];
  });
}"""
"""Names and sizes of the controls that are smaller than a finger needs; a box counts with its
label. The link that skips to the chart is left of the page until it has the focus."""


def swipe(page: Page, by: int, down: int = 0) -> None:
    """Move a finger over the name and the price."""
    page.locator("#quote").scroll_into_view_if_needed()
    box = page.locator("#quote").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: dict[str, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", {"x": x, "y": y})
    for part in (0.25, 0.5, 0.75, 1):
        touch("touchMove", {"x": x + by * part, "y": y + down * part})
    touch("touchEnd")
    session.detach()


def test_swipes_and_buttons_show_the_next_symbol_of_the_list_and_say_so(
    world: StandIn, open_page: OpenPage
) -> None:
    world.symbols = ["ACME", "BOLT", "CRUX"]
    world.stopped_at = world.now()
    page = open_page(world.page, **PHONE)
    wait_for_chart(page)
    symbol, said = page.locator("#quote h1"), page.locator("#announce")
    following = page.get_by_role("button", name="Next symbol")
    expect(following).to_be_visible()
    swipe(page, -120)
    expect(symbol).to_have_text("BOLT")
    expect(said).to_have_text(f"BOLT, {page.locator('#quote .price .value').inner_text()}, 2 of 3")
    by_symbol = page.locator("#watch thead button").first
    by_symbol.click()
    by_symbol.click()  # from the last letter on
    swipe(page, -120)
    expect(symbol).to_have_text("ACME")
    swipe(page, -120)
    expect(symbol).to_have_text("CRUX")
    swipe(page, 120)
    expect(symbol).to_have_text("ACME")
    swipe(page, 20)  # a tap
    swipe(page, 60, 90)  # a scroll
    expect(symbol).to_have_text("ACME")
    following.press("Enter")
    expect(symbol).to_have_text("CRUX")
    assert page.locator("#quote").get_attribute("style") in (None, "")


def test_targets_for_fingers_are_44_pixels_wide_and_high(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules = [RULE]
    world.fire("BOLT", "change_percent", value=5, change_percent=5.25)
    page = open_page(world.page, **PHONE)
    wait_for_chart(page)
    expect(page.get_by_role("button", name="Next symbol")).to_be_visible()
    expect(page.locator("#panel-alerts .entry")).to_be_visible()
    assert page.evaluate(SMALL) == []
    chart = page.locator("#chart").bounding_box()
    toolbar = page.locator("#toolbar").bounding_box()
    assert chart
    assert toolbar
    assert chart["y"] < 250 < chart["y"] + chart["height"] < toolbar["y"]
    page.locator("#chart").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="1D", exact=True)).to_be_focused()
    page.get_by_role("tab", name="Rules").tap()
    page.get_by_role("button", name="Indicators").tap()
    assert page.evaluate(SMALL) == []
    page.get_by_role("button", name="New rule").tap()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize(
    ("x", "y", "by"),
    [(-48, 0, 1), (48, 24, -1), (47, 0, 0), (-100, 51, 0), (-100, -51, 0), (0, 200, 0)],
)
def test_swipe_is_long_and_flat(call: Call, x: float, y: float, by: int) -> None:
    assert call("data/swiped.js", "swipeOf", x, y) == by


@pytest.mark.parametrize(
    ("symbol", "by", "found"),
    [("A", 1, "B"), ("A", -1, "C"), ("C", 1, "A"), ("X", 1, "A"), ("X", -1, "C")],
)
def test_neighbours_go_round_the_list(call: Call, symbol: str, by: int, found: str) -> None:
    assert call("data/swiped.js", "neighbour", ["A", "B", "C"], symbol, by) == found


def test_lone_symbol_has_no_neighbour(call: Call) -> None:
    assert call("data/swiped.js", "neighbour", ["A"], "A", 1) is None
    assert call("data/swiped.js", "neighbour", [], "A", -1) is None
