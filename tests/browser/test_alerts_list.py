"""The list of what fired: names with their numbers, and storms in one line."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from rigs.stand_in import StandIn, text_of
from tests.browser.conftest import OpenPage

PATIENCE = 60_000
"""Milliseconds: alerts are asked for each five seconds."""


def test_storm_of_alerts_is_one_line_that_unfolds_by_mouse_and_keyboard(
    world: StandIn, open_page: OpenPage
) -> None:
    for _ in range(3):
        world.fire("ACME", "golden_cross", sma_5=2, sma_20=1)
    world.fire("BOLT", "change_percent", value=5, change_percent=-5.25)
    until = {
        "channel": "sns",
        "until": text_of(world.now() + 86400),
        "reason": "digest at the close",
    }
    world.alerts[0] |= {"held": [until], "notified_at": None}
    page = open_page(world.page)
    lines = page.locator("#panel-alerts .what")
    expect(lines).to_have_text(
        ["◆ BOLT · Change of the day above 5%", "▲ ACME · Golden cross 5/20"], timeout=PATIENCE
    )
    expect(page.locator("#panel-alerts")).to_contain_text("Today (4)")
    expect(page.locator("#panel-alerts .entry").first).to_contain_text("\N{MINUS SIGN}5.25%")
    expect(page.locator("#panel-alerts .entry").first).to_contain_text("held until")
    page.get_by_label("Delivery").select_option("held")
    expect(lines).to_have_text(["◆ BOLT · Change of the day above 5%"])
    page.get_by_label("Delivery").select_option("")
    storm = page.get_by_role("button", name="ACME · Golden cross 5/20 3 times")
    expect(storm).to_have_attribute("aria-expanded", "false")
    single = page.locator("#panel-alerts .nested .entry")
    expect(single).to_have_count(0)
    storm.click()
    expect(single).to_have_count(3)
    storm.press("Enter")
    expect(single.first).to_be_hidden()
    storm.press("Space")
    expect(single.first).to_be_visible()


def test_storm_stays_open_and_focused_when_it_grows(world: StandIn, open_page: OpenPage) -> None:
    for _ in range(3):
        world.fire("ACME", "golden_cross", sma_5=2, sma_20=1)
    world.fire("BOLT", "change_percent", value=5, change_percent=5.25)
    page = open_page(world.page)
    storm = page.locator("#panel-alerts .storm")
    storm.click(timeout=PATIENCE)
    second = page.locator("#panel-alerts .nested .entry").nth(1)
    second.focus()
    held = second.get_attribute("data-alert")
    world.fire("ACME", "golden_cross", sma_5=2, sma_20=1)
    expect(page.locator("#panel-alerts .times")).to_have_text(re.compile("4$"), timeout=PATIENCE)
    expect(storm).to_have_attribute("aria-expanded", "true")
    expect(page.locator(f"#panel-alerts .nested [data-alert='{held}']")).to_be_focused()
    expect(page.locator("#panel-alerts li.fresh").first).to_contain_text("ACME")


def test_chosen_alert_is_marked_and_a_second_press_takes_its_line_away(
    world: StandIn, open_page: OpenPage
) -> None:
    world.fire("ACME", "golden_cross", sma_5=2, sma_20=1)
    page = open_page(world.page)
    entry = page.locator("#panel-alerts .entry")
    entry.click(timeout=PATIENCE)
    expect(entry).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".focus-line")).to_be_visible()
    world.fire("BOLT", "death_cross", sma_5=1, sma_20=2)  # the next answer has new objects
    expect(entry).to_have_count(2, timeout=PATIENCE)
    expect(entry.last).to_have_attribute("aria-pressed", "true")
    entry.last.click()
    expect(entry.last).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".focus-line")).to_be_hidden()
