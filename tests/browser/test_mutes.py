"""Mutes made by a message's link and in the alert list, and removed, against the real system."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import requests
from playwright.sync_api import expect

from chalicelib.domain.mute_links import link_key, mute_line
from chalicelib.services.access.key_ring import fingerprint
from rigs.chart_reading import wait_for_chart
from rigs.running_system import SHOWN, System
from tests.browser.conftest import OpenPage
from tests.factories import make_alert
from tests.patience import PATIENCE_SECONDS


def muted(system: System) -> list[str | None]:
    answer = requests.get(f"{system.api}/mutes", timeout=PATIENCE_SECONDS)
    return [mute["symbol"] for mute in answer.json()["mutes"]]


def test_a_link_asks_before_it_mutes_and_mutes_are_made_and_removed(
    system: System, open_page: OpenPage
) -> None:
    symbol = SHOWN[0]
    key = link_key(fingerprint(system.token), "local")
    line = mute_line(make_alert(symbol=symbol), None, system.page, key, datetime.now(UTC))
    assert line is not None
    page = open_page(line.value)
    dialog = page.get_by_role("dialog", name=re.compile("^Mute"))
    expect(dialog).to_contain_text(f"Hold alerts of {symbol} until")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    wait_for_chart(page)
    assert muted(system) == []  # following the link has changed nothing

    page.evaluate("(url) => { location.href = url; }", line.value)
    dialog.get_by_role("button", name="Mute").click()  # without a token
    expect(dialog.get_by_role("status")).to_contain_text(f"{symbol} is muted until")
    assert muted(system) == [symbol]
    page.keyboard.press("Escape")

    page.locator("#panel-alerts .entry").first.wait_for()
    page.evaluate("""() => {
      document.querySelector('#panel-alerts .storm[aria-expanded=false]')?.click();
      const shown = [...document.querySelectorAll('#panel-alerts [data-alert]')];
      shown.find((node) => node.checkVisibility()).click();
    }""")  # in one step: the list moves while alerts come
    page.get_by_role("button", name=re.compile("^Mute: ")).first.click()
    dialog.get_by_label("How long").select_option("hour")
    dialog.get_by_label("Alerts of").select_option("all")
    dialog.get_by_role("button", name="Mute").click()
    page.get_by_label("Token", exact=True).fill(system.token)
    page.get_by_role("button", name="Use token").click()
    expect(dialog.get_by_role("status")).to_contain_text("Everything is muted until")
    assert muted(system) == [symbol, None]
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Mutes").click()
    for left in (1, 0):
        dialog.get_by_role("button", name=re.compile("^Remove: ")).first.click()
        expect(dialog.locator("li")).to_have_count(left)
    expect(dialog.get_by_role("status")).to_have_text("Nothing is muted.")
    assert muted(system) == []


def test_a_mute_of_each_week_names_a_refused_field_and_is_removed(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page, expect="status of 4")
    wait_for_chart(page)
    page.get_by_role("button", name="Mutes").click()
    dialog = page.get_by_role("dialog", name="Mutes")
    dialog.get_by_label("How long").select_option("weekly")
    hours = dialog.get_by_role("group", name="Muted each week")
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri"):
        hours.get_by_label(day).uncheck()
    hours.get_by_label("Sat").check()
    zone = hours.get_by_label("Time zone")
    zone.fill("Europe/Nowhere")
    dialog.get_by_role("button", name="Mute", exact=True).click()
    page.get_by_label("Token", exact=True).fill(system.token)
    page.get_by_role("button", name="Use token").click()
    expect(zone).to_have_attribute("aria-invalid", "true")
    zone.fill("Europe/Berlin")
    dialog.get_by_role("button", name="Mute", exact=True).click()
    said = "is muted Sat 22:00 to 07:00, Europe/Berlin"
    expect(dialog.get_by_role("status")).to_contain_text(said)
    assert len(muted(system)) == 1
    dialog.get_by_role("button", name=re.compile("^Remove: ")).click()
    expect(dialog.get_by_role("status")).to_have_text("Nothing is muted.")
    assert muted(system) == []
