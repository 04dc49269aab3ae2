"""The alerts of the running system. Crosses need twenty prices of a symbol, so this file comes
after others, whose tests need not wait for them."""

from __future__ import annotations

from playwright.sync_api import expect

from rigs.chart_reading import wait_for_chart
from rigs.running_system import System
from tests.browser.conftest import OpenPage


def test_alerts_are_listed_filtered_and_open_the_chart(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    entries = page.locator("#panel-alerts .entry")
    expect(entries.first).to_be_visible()
    expect(page.locator("#panel-alerts")).to_contain_text("Today")
    page.get_by_label("Kind", exact=True).select_option("golden_cross")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#panel-alerts .what')]"
        ".every((node) => node.textContent.includes('Golden cross'))"
    )
    page.get_by_label("Kind", exact=True).select_option("")
    page.get_by_label("Delivery").select_option("delivered")
    expect(page.locator("#panel-alerts")).not_to_contain_text("not delivered")
    expect(entries.first).to_be_visible()
    symbol = page.evaluate("""() => {
      document.querySelector('#panel-alerts .storm[aria-expanded=false]')?.click();
      const newest = document.querySelector('#panel-alerts [data-alert]');
      newest.click();
      return newest.title.split(' ')[0];
    }""")  # in one step: the list moves while alerts come
    expect(page.locator("#quote h1")).to_have_text(symbol)
    expect(page.locator(".focus-line")).to_be_visible()
    page.get_by_label("Whose alerts").select_option("own")
    page.wait_for_function(
        "(s) => [...document.querySelectorAll('#panel-alerts .what')]"
        ".every((node) => node.textContent.includes(s))",
        arg=f" {symbol} ",
    )
