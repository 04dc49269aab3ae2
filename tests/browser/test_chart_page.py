"""The chart as a person uses it, against the real system with simulated prices."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from rigs.chart_reading import (
    closes,
    in_view,
    layout,
    trace_names,
    wait_for_chart,
    wait_for_other_range,
    x_range,
    zoom_in,
)
from rigs.running_system import System, polls_every
from tests.browser.conftest import OpenPage

FIRST, SECOND = "ARBORO", "BRISKO"


def wait_for_symbol(page: Page, symbol: str) -> None:
    """Until the candles of a symbol are drawn."""
    page.wait_for_function(
        "(s) => document.querySelector('.js-plotly-plot')?.data?.[0]?.name === s", arg=symbol
    )


def choose_indicator(page: Page, label: str) -> None:
    """Tick a box of the indicators' menu."""
    page.get_by_role("button", name="Indicators").click()
    page.get_by_role("checkbox", name=label).check()
    page.keyboard.press("Escape")


def test_first_view_says_source_age_session_price_and_draws_candles(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    assert 60 <= len(closes(page)) <= 500
    expect(page.locator("#status")).to_contain_text("SIMULATED")
    expect(page.locator("#status")).to_contain_text("Market open")
    expect(page.locator("#status .age")).to_contain_text("Data")
    expect(page.locator("#quote h1")).to_have_text(FIRST)
    expect(page.locator("#quote .change")).to_contain_text("%")
    expect(page.locator(".price-tag")).to_be_visible()
    assert trace_names(page)[:4] == [FIRST, "sma_5", "sma_20", "volume"]
    assert layout(page, "uirevision") == f"{FIRST}:1D"
    assert layout(page, "yaxis.side") == "right"


def test_prices_move_and_a_zoom_survives_updates(system: System, open_page: OpenPage) -> None:
    """Ten of them in test_situations.py."""
    page = open_page(system.page, prepare=lambda page: polls_every(page, system, 0.5))
    wait_for_chart(page)
    zoom_in(page)
    zoomed = x_range(page)
    tick = page.locator("#quote .facts b").last
    seen = {tick.inner_text()}
    while len(seen) <= 3:
        page.wait_for_timeout(200)
        seen.add(tick.inner_text())
    assert x_range(page) == zoomed


def test_price_tag_follows_the_quote(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    price = page.locator("#quote .price .value")
    before = price.inner_text()
    expect(price).not_to_have_text(before)
    page.wait_for_function(
        "() => document.querySelector('.price-tag').textContent === "
        "document.querySelector('#quote .price .value').textContent"
    )
    assert page.locator(".price-tag").inner_text() != before


def test_zoom_is_carried_to_another_symbol_and_reset_by_double_click(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(f"{system.page}/#symbol={FIRST}")
    wait_for_chart(page)
    full = x_range(page)
    zoom_in(page)
    zoomed = x_range(page)
    page.locator(f"#watch tr[data-symbol={SECOND}]").click()
    wait_for_symbol(page, SECOND)
    carried = x_range(page)
    assert carried == pytest.approx(zoomed, abs=2.5)
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    page.mouse.dblclick(box["x"] + 200, box["y"] + 100)
    wait_for_other_range(page, carried)
    assert x_range(page)[1] - x_range(page)[0] == pytest.approx(full[1] - full[0], abs=3)


def test_price_axis_fits_what_is_in_view(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    page.locator("#chart").focus()
    expect(page.get_by_role("button", name="Data as a table")).to_be_visible()
    for _ in range(3):
        zoomed = x_range(page)
        page.keyboard.press("+")
        wait_for_other_range(page, zoomed)
    seen = in_view(page)
    (low, high), (bottom, top) = seen["prices"], seen["axis"]
    assert seen["share"] < 0.7
    assert bottom < low < high < top
    assert top - bottom < 1.2 * (high - low)


def test_hidden_and_added_traces_survive_a_change_of_symbol(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(f"{system.page}/#symbol={FIRST}")
    wait_for_chart(page)
    page.get_by_role("button", name="Indicators").click()
    page.get_by_role("checkbox", name="SMA 5 · 20").uncheck()
    page.get_by_role("checkbox", name="RSI 14").check()
    page.get_by_role("checkbox", name="MACD 12, 26, 9").check()
    page.get_by_role("checkbox", name="Bollinger 20, 2").check()
    page.keyboard.press("Escape")
    page.locator(f"#watch tr[data-symbol={SECOND}]").click()
    wait_for_symbol(page, SECOND)
    names = trace_names(page)
    assert "sma_5" not in names
    assert {"rsi_14", "macd", "macd_signal", "bbands_upper", "volume"} <= set(names)
    assert layout(page, "yaxis3.domain")[1] < layout(page, "yaxis2.domain")[0]


def test_wider_ranges_choose_their_bar_size(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    for label, interval in (("1Y", "1d"), ("Max", "1wk")):
        page.get_by_role("button", name=label, exact=True).click()
        page.wait_for_function(
            "(r) => document.querySelector('.js-plotly-plot').layout.uirevision.endsWith(r)",
            arg=f":{label}",
        )
        assert 40 <= len(closes(page)) <= 500
        expect(page.get_by_label("Bars")).to_contain_text(f"Auto ({interval})")


def test_range_of_days_and_bar_size_can_be_chosen(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    page.get_by_role("button", name="Dates").click()
    page.get_by_label("From").fill("2026-03-02")
    page.get_by_label("To, that day included").fill("2026-02-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("The first day is after the last.")).to_be_visible()
    page.get_by_label("To, that day included").fill("2026-08-31")
    page.get_by_role("button", name="Show").click()
    page.wait_for_function(
        "() => document.querySelector('.js-plotly-plot').layout.uirevision.endsWith(':custom')"
    )
    assert "start=2026-03-02&end=2026-08-31" in page.url
    page.get_by_label("Bars").select_option("1wk")
    page.wait_for_function("() => document.querySelector('.js-plotly-plot').data[0].x.length < 30")
    expect(page.locator("#readout .time")).to_contain_text("Aug 2026")
    expect(page.locator(".price-tag")).to_be_hidden()


def test_crosshair_reads_the_bar_under_it(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    last = page.locator("#readout .time").inner_text()
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 80, box["y"] + 90)
    expect(page.locator("#readout .time")).not_to_have_text(last)
    expect(page.locator(".cross-tag").first).to_have_text(
        page.locator("#readout .time").inner_text()
    )
    assert re.fullmatch(r"[\d,]+\.\d\d", page.locator(".cross-tag").last.inner_text())
    page.mouse.move(5, 5)
    expect(page.locator(".cross-tag").first).to_be_hidden()


def test_keyboard_reads_zooms_and_resets_the_chart(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    full = x_range(page)
    expect(page.get_by_role("button", name="Data as a table")).to_be_visible()  # keys come with it
    page.locator("#chart").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#announce")).to_contain_text("close")
    page.keyboard.press("+")
    wait_for_other_range(page, full)
    assert x_range(page)[1] - x_range(page)[0] < full[1] - full[0]
    zoomed = x_range(page)
    page.keyboard.press("0")
    wait_for_other_range(page, zoomed)
    assert x_range(page)[1] - x_range(page)[0] == pytest.approx(full[1] - full[0], abs=3)


def test_line_chart_and_own_clock(system: System, open_page: OpenPage) -> None:
    page = open_page(f"{system.page}/#type=line&clock=local")
    page.wait_for_function(
        "() => document.querySelector('.js-plotly-plot')?.data?.[0]?.type === 'scatter'"
    )
    expect(page.get_by_role("button", name="Local time")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Candles").click()
    wait_for_chart(page)
    assert "type=line" not in page.url


def test_crosses_are_listed_and_lead_to_their_bar(system: System, open_page: OpenPage) -> None:
    page = open_page(f"{system.page}/#range=1Y")
    wait_for_chart(page)
    first = page.locator(".signals button").first
    expect(first).to_contain_text("cross")
    first.click()
    expect(page.locator(".focus-line")).to_be_visible()
    choose_indicator(page, "Crosses")
    page.wait_for_function(
        "() => document.querySelector('.js-plotly-plot').data.some((t) => / cross$/.test(t.name))"
    )
    assert {"golden cross", "death cross"} & set(trace_names(page))


def test_chart_data_is_there_as_a_table(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    page.get_by_role("button", name="Data as a table").click()
    expect(page.locator(".data tbody tr").first).to_be_visible()
    assert page.locator(".data tbody tr").count() == len(closes(page))
    assert page.locator(".data thead th").all_inner_texts()[:6] == [
        "Time", "Open", "High", "Low", "Close", "Volume",
    ]  # fmt: skip


def test_page_pauses_while_hidden_and_catches_up(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page, prepare=lambda page: polls_every(page, system, 0.5))
    wait_for_chart(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide = "(h) => { Object.defineProperty(document, 'hidden', { value: h, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    expect(page.locator("#status")).to_contain_text("Paused")
    page.wait_for_timeout(500)  # what was under way
    asked.clear()
    page.wait_for_timeout(2000)
    assert not [url for url in asked if "/quotes" in url]
    page.evaluate(hide, False)
    expect(page.locator("#status")).to_contain_text("Live")
    assert [url for url in asked if "/quotes" in url]
