"""`+ Rule`: a line on the chart that follows pointer, finger and keys, against the stand-in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from rigs.chart_reading import layout, wait_for_chart
from rigs.stand_in import StandIn
from tests.browser.conftest import OpenPage


@pytest.fixture
def page(world: StandIn, open_page: OpenPage) -> Page:
    """The chart of ACME with its buttons; prices stand still."""
    world.rules = []
    world.stopped_at = world.now()
    page = open_page(world.page)
    wait_for_chart(page)
    expect(button(page)).to_be_visible()
    return page


def button(page: Page) -> Locator:
    """The button that starts it."""
    return page.get_by_role("button", name="Rule at price")


def line(page: Page) -> Locator:
    """The line, a slider for those who cannot see it."""
    return page.get_by_role("slider", name="Price of the new rule")


def price_of(page: Page) -> float:
    """Return the line's price."""
    return float(line(page).get_attribute("aria-valuenow") or "nan")


def value(page: Page) -> Locator:
    """The editor's field for the price."""
    return page.get_by_label("Price or percent")


def height_of(page: Page, price: float) -> tuple[float, float]:
    """Pixels of a price on the page, in the middle of the plot."""
    low, high = layout(page, "yaxis.range")
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] * (high - price) / (high - low)


def test_line_appears_at_the_last_price_and_follows_the_pointer(page: Page) -> None:
    last = float(page.locator("#quote .price .value").inner_text())
    button(page).click()
    expect(page.locator(".rule-hint")).to_contain_text(
        "Click the chart to set a rule at this price. Esc cancels."
    )
    assert price_of(page) == last
    low, high = layout(page, "yaxis.range")
    for share in (0.25, 0.75):
        wanted = low + share * (high - low)
        page.mouse.move(*height_of(page, wanted))
        assert price_of(page) == pytest.approx(wanted, abs=(high - low) / 50)
        assert page.locator(".rule-tag").inner_text() == f"{price_of(page):.2f}"
    chosen = price_of(page)
    page.mouse.click(*height_of(page, chosen))
    expect(line(page)).to_be_hidden()
    assert float(value(page).input_value()) == pytest.approx(chosen, abs=(high - low) / 50)


def test_rule_is_set_by_keyboard_alone(page: Page) -> None:
    button(page).press("Enter")
    expect(line(page)).to_be_focused()
    first = price_of(page)
    line(page).press("ArrowUp")
    second = price_of(page)
    assert second > first
    line(page).press("PageDown")
    assert price_of(page) < first
    line(page).press("End")
    assert price_of(page) == pytest.approx(layout(page, "yaxis.range")[1], abs=0.01)
    chosen = price_of(page)
    line(page).press("Enter")
    assert float(value(page).input_value()) == pytest.approx(chosen, abs=0.01)
    expect(page.get_by_label("Condition")).to_have_value("crossing_up")
    page.keyboard.press("Escape")
    expect(button(page)).to_be_focused()


@pytest.mark.parametrize("how", ["Escape", "Cancel", "button", "symbol"])
def test_line_is_put_away(page: Page, how: str) -> None:
    button(page).click()
    expect(line(page)).to_be_visible()
    if how == "Escape":
        page.keyboard.press("Escape")
    elif how == "Cancel":
        page.get_by_role("button", name="Cancel").click()
    elif how == "button":
        button(page).click()
    else:
        page.locator("#watch tr[data-symbol=BOLT]").click()
    expect(line(page)).to_be_hidden()
    expect(button(page)).to_have_attribute("aria-pressed", "false")
    page.mouse.click(*height_of(page, layout(page, "yaxis.range")[0]))
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_finger_moves_the_line_and_sets_the_rule_where_it_is_lifted(page: Page) -> None:
    button(page).click()
    low, high = layout(page, "yaxis.range")
    shown = layout(page, "xaxis.range")
    touch = page.context.new_cdp_session(page)

    def finger(kind: str, *share: float) -> None:
        places = [height_of(page, low + part * (high - low)) for part in share]
        points = [{"x": x, "y": y} for x, y in places]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    finger("touchStart", 0.3)
    for share in (0.4, 0.5, 0.6, 0.7):
        finger("touchMove", share)
    page.wait_for_function(  # moves of a finger are handed over frame by frame
        "([wanted, off]) => Math.abs("
        "document.querySelector('.rule-line').getAttribute('aria-valuenow') - wanted) < off",
        arg=[low + 0.7 * (high - low), (high - low) / 50],
    )
    chosen = price_of(page)
    finger("touchEnd")
    assert float(value(page).input_value()) == pytest.approx(chosen, abs=0.01)
    assert layout(page, "xaxis.range") == shown


def test_editor_opens_at_once_without_a_chart(world: StandIn, open_page: OpenPage) -> None:
    world.rules = []
    world.fixed = {**world.prices("ACME", {"limit": "1"})[1], "prices": []}
    nothing = {"json": {"quotes": []}, "headers": {"Access-Control-Allow-Origin": "*"}}
    page = open_page(
        world.page,
        prepare=lambda page: page.route("**/quotes?*", lambda route: route.fulfill(**nothing)),
    )
    button(page).click()
    expect(page.get_by_role("dialog")).to_contain_text("New rule")
    expect(page.get_by_label("Symbol, or * for all")).to_have_value("ACME")
