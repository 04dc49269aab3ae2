"""The watch-list against the real system."""

from __future__ import annotations

import re
import time
from itertools import pairwise

from playwright.sync_api import Page, expect

from rigs.chart_reading import percent_of, wait_for_chart
from rigs.running_system import SHOWN, System, polls_every
from tests.browser.conftest import OpenPage
from tests.patience import eventually


def symbols(page: Page) -> list[str]:
    """Symbols in the order shown."""
    names = "(rows) => rows.map((row) => row.dataset.symbol)"
    return [str(name) for name in page.locator("#watch tbody tr").evaluate_all(names)]


def test_list_has_every_symbol_with_price_change_and_sparkline(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    expect(page.locator("#watch tbody tr")).to_have_count(len(SHOWN))
    expect(page.locator("#watch .c-change").nth(5)).to_contain_text("%")
    canvas = page.locator("#watch canvas").first
    expect(canvas).to_have_attribute("data-points", re.compile(r"\d\d"))
    same_size = (
        "Object.assign(document.createElement('canvas'), { width: c.width, height: c.height })"
    )
    drawn, blank = canvas.evaluate(f"(c) => [c, {same_size}].map((one) => one.toDataURL().length)")
    assert drawn > blank


def test_a_change_of_three_digits_is_shown_whole(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    cell = page.locator("#watch td.c-change").nth(5)
    expect(cell).to_contain_text("%")
    fits = (
        "(cell) => { cell.firstElementChild.textContent = '+188.88%';"
        " return cell.scrollWidth <= cell.clientWidth; }"
    )
    assert cell.evaluate(fits)
    cut = "(names) => names.filter((name) => name.scrollWidth > name.clientWidth).length"
    assert page.locator("#watch td b").evaluate_all(cut) == 0, "nor is a symbol cut for it"


def test_whole_list_is_fed_by_one_request_a_poll(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page, prepare=lambda page: polls_every(page, system, 1))
    wait_for_chart(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    began = time.monotonic()

    def quotes() -> list[str]:
        page.wait_for_timeout(100)
        return [url for url in asked if "/quotes" in url]

    eventually(lambda: len(quotes()) >= 3)
    assert len(quotes()) <= time.monotonic() - began + 2
    assert all(url.count("%2C") == len(SHOWN) - 1 for url in quotes())


def test_list_is_sorted_by_head_and_the_order_is_kept(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    expect(page.locator("#watch tbody tr")).to_have_count(len(SHOWN))
    page.locator("#watch thead").get_by_role("button", name="Symbol").click()
    page.locator("#watch thead").get_by_role("button", name="Symbol").click()
    assert symbols(page) == sorted(symbols(page), reverse=True)
    page.reload()
    expect(page.locator("#watch tbody tr")).to_have_count(len(SHOWN))
    assert symbols(page) == sorted(symbols(page), reverse=True)
    page.locator("#watch thead").get_by_role("button", name="Change").click()
    shown = page.locator("#watch td.c-change").all_inner_texts()
    changes = [percent_of(text) for text in shown]
    assert sum(a < b for a, b in pairwise(changes)) <= 1


def test_list_is_searched_and_walked_by_keyboard(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    expect(page.locator("#watch tbody tr")).to_have_count(len(SHOWN))
    page.keyboard.press("/")
    page.keyboard.type("gran")
    assert symbols(page) == ["GRANIT"]
    page.keyboard.press("Enter")
    expect(page.locator("#quote h1")).to_have_text("GRANIT")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    order = symbols(page)
    page.locator("#watch tr[data-symbol=GRANIT]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#quote h1")).to_have_text(order[order.index("GRANIT") + 1])
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#quote h1")).to_have_text(order[order.index("GRANIT") - 1])


def test_search_without_a_match_says_so(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    page.get_by_label("Search symbols").fill("zzz")
    expect(page.locator("#watch")).to_contain_text("No symbol matches “zzz”.")
