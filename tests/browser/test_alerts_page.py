"""Alerts, rules, the token and added symbols, against the real system."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from rigs.chart_reading import wait_for_chart, wait_for_trace
from rigs.running_system import System
from rigs.stand_in import StandIn
from tests.browser.conftest import OpenPage


def give_token(page: Page, token: str) -> None:
    """Fill the dialog that asks for the token."""
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Use token").click()


def open_rules(page: Page) -> None:
    """Go to the rules' tab."""
    page.get_by_role("tab", name=re.compile("Rules")).click()


def click_chart(page: Page) -> None:
    """Click into the candles, a quarter from the top."""
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)


def test_rule_is_made_at_a_price_of_the_chart_changed_and_deleted(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page, expect="status of 40")
    wait_for_chart(page)
    expect(page.get_by_role("tab", name=re.compile("Rules 3"))).to_be_visible()
    page.get_by_role("button", name="Rule at price").click()
    expect(page.get_by_role("slider", name="Price of the new rule")).to_be_visible()
    click_chart(page)
    price = float(page.get_by_label("Price or percent").input_value())
    assert price > 0
    page.get_by_role("button", name="Create").click()
    give_token(page, "not the token of this system")
    expect(page.get_by_text("The API refused this token: it is unknown")).to_be_visible()
    give_token(page, system.token)
    mine = page.locator("#panel-rules li", has_text="Price crosses")
    expect(mine).to_have_count(1)
    expect(mine).to_contain_text(f"{price:,.2f}")
    expect(mine.locator(".distance")).to_contain_text("%")
    line = page.get_by_role("slider", name="Rule: Crosses")
    expect(line.locator(".rule-name")).to_contain_text(f"{price:,.2f}")
    line.press("ArrowUp")
    price = float(line.get_attribute("aria-valuenow") or "nan")
    line.press("Enter")
    expect(page.locator(".chart-note")).to_contain_text(f"Moved to {price:,.2f}. It would")
    expect(mine).to_contain_text(f"{price:,.2f}")
    mine.get_by_role("button", name=re.compile("Switch off")).click()
    expect(line).to_have_count(0)
    expect(mine.locator(".entry")).to_contain_text("Off")
    mine.get_by_role("button", name=re.compile("Edit")).click()
    page.get_by_label("Condition").select_option("moving_percent")
    page.get_by_label("Price or percent").fill("2.5")
    page.get_by_label("Bars in the move").fill("6")
    page.get_by_label("Evaluated on").select_option("5m")
    page.get_by_label("Severity").select_option("urgent")
    page.get_by_role("button", name="Save").click()
    moved = page.locator("#panel-rules li", has_text="Move above 2.5% in 6 bars")
    expect(moved).to_have_count(1)
    assert [rule["severity"] for rule in system.get("/rules")["rules"]].count("urgent") == 1
    moved.get_by_role("button", name=re.compile("Delete")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(moved).to_have_count(0)
    assert page.evaluate("() => sessionStorage.length") == 0
    assert page.evaluate("(t) => JSON.stringify(localStorage).includes(t)", system.token) is False


def test_impossible_rule_is_refused_with_the_fields_name(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page, expect="status of 4")
    wait_for_chart(page)
    expect(page.get_by_role("tab", name=re.compile("Rules"))).to_be_visible()
    open_rules(page)
    page.get_by_role("button", name="New rule").click()
    page.get_by_label("Condition").select_option("golden_cross")
    page.get_by_label("Fast average").fill("30")
    page.get_by_label("Slow average").fill("20")
    page.get_by_role("button", name="Create").click()
    give_token(page, system.token)
    expect(page.locator("dialog .problem").first).to_contain_text(re.compile("fast|slow"))
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


def test_preview_marks_where_a_rule_would_have_fired(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    expect(page.get_by_role("tab", name=re.compile("Rules"))).to_be_visible()
    open_rules(page)
    page.get_by_role("button", name="New rule").click()
    page.get_by_label("Condition").select_option("golden_cross")
    page.get_by_label("Evaluated on").select_option("1m")
    page.get_by_label("Fires").select_option("every_time")
    page.get_by_role("button", name="Preview on chart").click()
    expect(page.get_by_text(re.compile(r"It would have fired \d+ times"))).to_be_visible()
    page.keyboard.press("Escape")
    wait_for_trace(page, "would have fired")


def test_added_symbol_says_that_it_is_collecting(unfed: System, open_page: OpenPage) -> None:
    # What is asked of a symbol before it is listed, or after it is taken off, is answered with 404.
    page = open_page(unfed.page, expect="/prices/NOPE-USD")
    page.get_by_role("button", name="Add a symbol").click()
    page.get_by_label("Symbol", exact=True).fill("nope-usd")
    page.get_by_role("button", name="Add", exact=True).click()
    give_token(page, unfed.token)
    row = page.locator("#watch tr[data-symbol='NOPE-USD']")
    expect(row).to_contain_text("collecting since")
    expect(page.locator("#chart-message")).to_contain_text("No prices of NOPE-USD")
    row.get_by_role("button", name="Stop following NOPE-USD").click()
    expect(row).to_have_count(0)


def test_notifications_are_shown_once_enabled(
    world: StandIn, open_in_full_browser: OpenPage
) -> None:
    world.fire("CRUX", "golden_cross", sma_5=2, sma_20=1)
    record = """() => {
      const Real = window.Notification;
      window.shown = [];
      window.Notification = class extends Real {
        constructor(title, options) { super(title, options); window.shown.push(title); }
      };
    }"""
    page = open_in_full_browser(
        world.page,
        permissions=["notifications"],
        prepare=lambda page: page.add_init_script(f"({record})()"),
    )
    wait_for_chart(page)
    page.get_by_role("button", name="Notify").click()
    expect(page.get_by_role("button", name="Notify: on")).to_be_visible()
    expect(page.locator("#panel-alerts")).to_contain_text("CRUX")
    world.fire("BOLT", "golden_cross", sma_5=2, sma_20=1)
    page.wait_for_function("() => window.shown.length > 0")
    assert page.evaluate("window.shown") == ["Ticktape: BOLT"]


@pytest.mark.parametrize("key", ["ArrowLeft", "ArrowRight"])
def test_tabs_of_the_panel_follow_the_arrow_keys(
    system: System, open_page: OpenPage, key: str
) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    tab = page.get_by_role("tab", name=re.compile("Rules"))
    expect(tab).to_be_visible()
    page.get_by_role("tab", name=re.compile("Fired")).focus()
    page.keyboard.press(key)
    expect(tab).to_have_attribute("aria-selected", "true")
    expect(tab).to_be_focused()


def hold_alerts(page: Page, channel: Locator) -> None:
    """Set a limit, a digest and quiet hours of a channel, after a refusal beside its field."""
    channel.get_by_role("button", name="When to send").click()
    dialog = page.get_by_role("dialog", name="When to send: my phone")
    dialog.get_by_label("Limit the number of messages").check()
    dialog.get_by_label("Digest").select_option("at_close")
    dialog.get_by_role("button", name="Add quiet hours").click()
    own = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    zone = dialog.get_by_role("combobox", name="Time zone")
    expect(zone).to_have_value(own)
    zone.fill("Europe/Nowhere")
    dialog.get_by_role("button", name="Save").click()
    expect(zone).to_have_attribute("aria-invalid", "true")
    expect(zone).to_be_focused()
    expect(zone).to_have_accessible_description(re.compile("allowed: a time zone of the IANA"))
    zone.fill("Europe/Berlin")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(channel).to_contain_text(
        "at most 5 in 10 minutes; digest at the close; "
        "quiet 22:00 to 07:00 Europe/Berlin, Mon to Fri"
    )
    expect(channel.get_by_role("button", name="When to send")).to_be_focused()


def test_a_channel_is_added_named_by_a_rule_switched_and_deleted(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page, expect="status of 4")
    wait_for_chart(page)
    open_rules(page)
    page.get_by_role("button", name="Channels").click()
    dialog = page.get_by_role("dialog", name="Channels")
    expect(dialog.locator("li")).to_have_count(1)
    expect(dialog.locator("li")).to_contain_text("Amazon SNS")
    dialog.get_by_label("Name", exact=True).fill("my phone")
    dialog.get_by_label("Address", exact=True).fill("tgram://123456789:not-a-token/1")
    dialog.get_by_role("button", name="When to send", exact=True).click()
    dialog.get_by_label("Digest").select_option("daily_at")
    dialog.get_by_label("Time zone").fill("Europe/Berlin")
    expect(dialog.get_by_label("Pictures of the chart")).to_be_checked()
    dialog.get_by_role("button", name="Add channel").click()
    give_token(page, system.token)
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="New rule").click()
    page.get_by_label("Price or percent").fill("1234567")
    page.get_by_label("my phone").check()
    page.get_by_role("button", name="Create").click()
    mine = page.locator("#panel-rules li", has_text="1,234,567")
    mine.get_by_role("button", name=re.compile("Edit")).click()
    expect(page.get_by_label("my phone")).to_be_checked()
    page.get_by_role("button", name="Cancel").click()
    mine.get_by_role("button", name=re.compile("Delete")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Channels").click()
    added = dialog.locator("li", has_text="my phone")
    expect(added).to_contain_text("Telegram · On")
    expect(added).to_contain_text("digest daily at 08:00 Europe/Berlin")
    assert "not-a-token" not in page.content()
    added.get_by_role("button", name=re.compile("No pictures")).click()
    expect(added.get_by_role("button", name=re.compile("Pictures"))).to_be_visible()
    hold_alerts(page, added)
    added.get_by_role("button", name=re.compile("Switch off")).click()
    expect(added).to_contain_text("Telegram · Off")
    channels = {one["name"]: one for one in system.get("/channels")["channels"]}
    assert (channels["my phone"]["picture"], channels["my phone"]["default"]) == (False, False)
    assert channels["my phone"]["limit"] == {"messages": 5, "minutes": 10}
    added.get_by_role("button", name=re.compile("Delete")).click()
    expect(added).to_have_count(0)
