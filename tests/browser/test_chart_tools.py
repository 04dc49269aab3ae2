"""The crosshair, the lines of rules and measurements, against the stand-in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from rigs.chart_reading import (
    MINUS,
    layout,
    wait_for_chart,
    wait_for_other_range,
    wait_for_trace,
    x_range,
)
from rigs.stand_in import StandIn, price_at
from tests.browser.conftest import OpenPage
from tests.browser.npm_tools import npm_file
from tests.browser.test_layout import audit


@pytest.fixture
def page(world: StandIn, open_page: OpenPage) -> Page:
    """The chart of ACME with volume, RSI and MACD; prices stand still."""
    world.rules = []
    world.stopped_at = world.now()
    page = open_page(f"{world.page}#symbol=ACME&show=volume,rsi,macd")
    wait_for_chart(page)
    expect(page.get_by_role("tab", name="Rules")).to_be_visible()  # all is mounted by then
    return page


def pane_centre(page: Page, axis: str) -> tuple[float, float]:
    """Pixels of the middle of a pane."""
    box = page.locator("#plot").bounding_box()
    assert box
    top, length, left, width = page.evaluate(
        """(axis) => {
          const { [axis]: y, xaxis: x } = document.querySelector('#plot')._fullLayout;
          return [y._offset, y._length, x._offset, x._length];
        }""",
        axis,
    )
    return box["x"] + left + width / 2, box["y"] + top + length / 2


def test_crosshair_reads_the_value_of_every_pane(page: Page) -> None:
    level = page.locator(".cross-level")
    low, high = layout(page, "yaxis.range")
    for axis in ("yaxis", "yaxis3", "yaxis2"):
        page.mouse.move(*pane_centre(page, axis))
        expect(page.locator(".cross-v")).to_be_visible()
        expect(page.locator(".cross-h")).to_be_visible()
        if axis == "yaxis":
            assert float(level.inner_text()) == pytest.approx((low + high) / 2, abs=0.5)
        elif axis == "yaxis3":  # from 0 to 100
            assert float(level.inner_text()) == pytest.approx(50, abs=1)
        else:
            assert 0 < float(level.inner_text().rstrip("K")) < layout(page, "yaxis2.range")[1]
    line, tall = page.locator(".cross-v").bounding_box(), page.locator("#plot").bounding_box()
    assert line
    assert tall
    assert line["height"] > 0.9 * tall["height"]


RULE = {
    "rule_id": "breakout",
    "symbol": "ACME",
    "condition": "crossing_up",
    "value": 0.0,
    "interval": "tick",
    "trigger": "once",
    "enabled": True,
    "notify": True,
    "default": False,
}


@pytest.fixture
def ruled(request: pytest.FixtureRequest, world: StandIn, open_page: OpenPage) -> Page:
    """The chart of ACME with a rule at a visible price, which would have fired twice. Prices stand
    still, unless a parameter gives the seconds between polls that each bring new ones."""
    world.rules = [RULE | {"value": price_at("ACME", world.now())}]
    world.would_fire = [world.now() - 7200, world.now() - 3600]
    if hasattr(request, "param"):
        world.poll_seconds = request.param
    else:
        world.stopped_at = world.now()
    page = open_page(
        f"{world.page}#symbol=ACME",
        prepare=lambda page: page.add_init_script("localStorage.setItem('ticktape.token', 'x')"),
    )
    wait_for_chart(page)
    expect(line(page)).to_be_visible()
    return page


def line(page: Page) -> Locator:
    """The line of the rule."""
    return page.get_by_role("slider", name="Rule: breakout: crosses upward")


def at(page: Page, share: float, of_width: float = 0.5) -> tuple[float, float]:
    """Pixels of a share of the price pane's width and height, from below."""
    box = page.locator("#plot .nsewdrag").first.bounding_box()
    assert box
    return box["x"] + box["width"] * of_width, box["y"] + box["height"] * (1 - share)


def price_of(page: Page) -> float:
    """Return the line's price."""
    return float(line(page).get_attribute("aria-valuenow") or "nan")


def take(page: Page) -> None:
    """Press the mouse on the line."""
    box = line(page).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"])
    page.mouse.down()


def note(page: Page) -> Locator:
    """The note over the chart."""
    return page.locator(".chart-note")


def changes(world: StandIn) -> list[tuple[str, str, object]]:
    """Return the requests that have changed rules, with the price."""
    return [
        (method, path, body.get("value"))
        for method, path, body in world.written
        if path != "/rules/preview"
    ]


@pytest.mark.parametrize("ruled", [0.05], indirect=True, ids=["twenty polls a second"])
def test_line_is_dragged_on_a_zoomed_chart_while_prices_arrive(world: StandIn, ruled: Page) -> None:
    before = x_range(ruled)
    box = line(ruled).bounding_box()
    assert box
    ruled.mouse.move(box["x"] + box["width"] * 0.4, box["y"])
    ruled.mouse.wheel(0, -400)  # on the line itself
    wait_for_other_range(ruled, before)
    zoomed = x_range(ruled)
    old = price_of(ruled)
    take(ruled)
    ruled.mouse.move(*at(ruled, 0.8, 0.6), steps=5)
    expect(note(ruled)).to_contain_text("It would have fired 2 times in 1 day")
    wait_for_trace(ruled, "would have fired")
    low, high = layout(ruled, "yaxis.range")
    new = price_of(ruled)
    assert new == pytest.approx(low + 0.8 * (high - low), abs=(high - low) / 10)
    ruled.mouse.up()
    expect(note(ruled)).to_contain_text(f"Moved to {new:.2f}")
    assert changes(world) == [("PUT", "/rules/breakout", new)]
    assert x_range(ruled) == zoomed
    note(ruled).get_by_role("button", name="Undo").click()
    expect(note(ruled)).to_contain_text(f"Moved to {old:.2f}")
    assert price_of(ruled) == old
    assert changes(world)[1:] == [("PUT", "/rules/breakout", old)]
    asked = [body["trigger"] for _, path, body in world.written if path == "/rules/preview"]
    assert set(asked) == {"every_time"}


def test_rule_that_has_changed_meanwhile_is_not_moved(world: StandIn, ruled: Page) -> None:
    assert world.rules
    moved = round(price_of(ruled) * 0.999, 2)
    take(ruled)
    ruled.mouse.move(*at(ruled, 0.8), steps=3)
    world.rules = [world.rules[0] | {"value": moved}]
    ruled.mouse.up()
    expect(note(ruled)).to_contain_text("Not moved: the rule was changed elsewhere")
    expect(line(ruled)).to_have_attribute("aria-valuenow", f"{moved:g}")
    assert changes(world) == []


def test_line_is_moved_and_deleted_by_keyboard(world: StandIn, ruled: Page) -> None:
    old = price_of(ruled)
    line(ruled).focus()
    line(ruled).press("PageUp")
    assert price_of(ruled) > old
    line(ruled).press("Escape")
    assert price_of(ruled) == old
    line(ruled).press("ArrowDown")
    new = price_of(ruled)
    expect(ruled.locator("#announce")).to_contain_text("It would have fired 2 times")
    line(ruled).press("Enter")
    expect(note(ruled)).to_contain_text(f"Moved to {new:.2f}")
    expect(line(ruled)).to_be_focused()
    line(ruled).press("Delete")
    ruled.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
    expect(line(ruled)).to_have_count(0)
    expect(ruled.locator("#chart")).to_be_focused()
    assert changes(world) == [
        ("PUT", "/rules/breakout", new),
        ("DELETE", "/rules/breakout", None),
    ]


def test_escape_ends_a_drag_and_a_press_offers_what_keys_do(world: StandIn, ruled: Page) -> None:
    old = price_of(ruled)
    take(ruled)
    ruled.mouse.move(*at(ruled, 0.8), steps=3)
    assert price_of(ruled) != old
    ruled.keyboard.press("Escape")
    ruled.mouse.move(*at(ruled, 0.7), steps=3)
    assert price_of(ruled) == old
    ruled.mouse.up()
    take(ruled)
    ruled.mouse.up()
    expect(note(ruled)).to_contain_text("breakout: crosses upward")
    expect(note(ruled).get_by_role("button", name="Delete")).to_be_visible()
    note(ruled).get_by_role("button", name="Edit").click()
    expect(ruled.get_by_role("dialog")).to_contain_text("Change rule")
    assert changes(world) == []


def test_rule_is_made_by_a_click_or_enter_with_alt(world: StandIn, ruled: Page) -> None:
    low, high = layout(ruled, "yaxis.range")
    is_low = price_at("ACME", world.now()) < (low + high) / 2
    share, crosses = (0.9, "Crosses upward") if is_low else (0.1, "Crosses downward")
    ruled.keyboard.down("Alt")
    ruled.mouse.click(*at(ruled, share))
    ruled.keyboard.up("Alt")
    expect(note(ruled)).to_contain_text(f"Rule made: {crosses}")
    ((method, path, value),) = changes(world)
    assert (method, path) == ("POST", "/rules")
    assert value == pytest.approx(low + share * (high - low), abs=(high - low) / 20)
    expect(ruled.locator(".level")).to_have_count(2)
    note(ruled).get_by_role("button", name="Undo").click()
    expect(note(ruled)).to_contain_text("Rule deleted.")
    expect(ruled.locator(".level")).to_have_count(1)
    ruled.locator("#chart").focus()
    ruled.keyboard.press("ArrowLeft")
    ruled.keyboard.press("Alt+Enter")
    expect(note(ruled)).to_contain_text("Rule made: Crosses")
    assert [method for method, *_ in changes(world)] == ["POST", "DELETE", "POST"]


def test_finger_drags_a_line_by_its_name(world: StandIn, ruled: Page) -> None:
    touch = ruled.context.new_cdp_session(ruled)
    name = line(ruled).locator(".rule-name").bounding_box()
    assert name
    x, y = name["x"] + name["width"] / 2, name["y"] + name["height"] / 2

    def finger(kind: str, *heights: float) -> None:
        points = [{"x": x, "y": height} for height in heights]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    shown, old = x_range(ruled), price_of(ruled)
    finger("touchStart", y)
    for by in (10, 20, 30):
        finger("touchMove", y + by)
    expect(line(ruled)).not_to_have_attribute("aria-valuenow", f"{old:g}")
    finger("touchEnd")
    expect(note(ruled)).to_contain_text("Moved to")
    ((method, _, value),) = changes(world)
    assert method == "PUT"
    assert isinstance(value, float)
    assert value < old
    assert x_range(ruled) == shown


def label(page: Page) -> Locator:
    """The figures of the measurement."""
    return page.locator(".measured-text")


def test_drag_with_shift_measures_and_the_link_keeps_it(page: Page, open_page: OpenPage) -> None:
    shown = x_range(page)
    low, high = layout(page, "yaxis.range")
    page.keyboard.down("Shift")
    page.mouse.move(*at(page, 0.3, 0.3))
    page.mouse.down()
    page.mouse.move(*at(page, 0.7, 0.6), steps=4)
    expect(label(page)).to_contain_text("bars")
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(page).to_have_url(re.compile(r"&draw=ACME\*\d+\*[\d.]+\*\d+\*[\d.]+"))
    figures = re.fullmatch(r"\+([\d.]+) \(\+[\d.]+%\), (\d+) bars ✕", label(page).inner_text())
    assert figures
    assert float(figures[1]) == pytest.approx(0.4 * (high - low), rel=0.05)
    assert int(figures[2]) == pytest.approx(0.3 * (shown[1] - shown[0]), abs=2)
    assert x_range(page) == shown
    again = open_page(page.url)
    expect(label(again)).to_have_text(figures[0])
    again.locator("#watch tr[data-symbol=BOLT]").click()
    expect(label(again)).to_be_hidden()
    label(page).press("Enter")
    expect(label(page)).to_have_count(0)
    expect(page).not_to_have_url(re.compile("draw="))
    note(page).get_by_role("button", name="Undo").click()
    expect(label(page)).to_have_text(figures[0])


def test_measuring_by_keys_and_by_the_button(page: Page) -> None:
    page.locator("#chart").focus()
    page.keyboard.press("m")
    expect(note(page)).to_contain_text("Enter keeps the measurement")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#announce")).to_contain_text("3 bars")
    page.keyboard.press("Escape")
    expect(label(page)).to_have_count(0)
    page.keyboard.press("m")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(label(page)).to_contain_text("1 bar ")
    page.get_by_role("button", name="Measure", exact=True).click()
    page.mouse.move(*at(page, 0.8, 0.3))
    page.mouse.down()
    page.mouse.move(*at(page, 0.2, 0.5), steps=3)
    page.mouse.up()
    expect(label(page)).to_have_count(2)
    expect(label(page).last).to_contain_text(MINUS)
    button = page.get_by_role("button", name="Measure", exact=True)
    expect(button).to_have_attribute("aria-pressed", "false")


def test_axe_finds_nothing_in_lines_and_measurements(world: StandIn, open_page: OpenPage) -> None:
    now = world.now()
    world.stopped_at = now
    price = price_at("ACME", now)
    world.rules = [RULE | {"value": price}]
    ends = f"{now - 7200:.0f}*{price}*{now - 600:.0f}*{price * 1.01:.2f}"
    page = open_page(f"{world.page}#symbol=ACME&draw=ACME*{ends}", scheme="light")
    wait_for_chart(page)
    expect(label(page)).to_be_visible()
    line(page).focus()
    line(page).press("ArrowUp")
    expect(note(page)).to_be_visible()
    assert audit(page, npm_file("axe-core/axe.min.js").read_text()) == []
