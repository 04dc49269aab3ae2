"""Comparison, history, export and themes against the real system."""

from __future__ import annotations

import csv
import io
import re
import struct
from pathlib import Path

from playwright.sync_api import expect

from rigs.chart_reading import closes, percent_of, wait_for_chart, x_range, zoom_in
from rigs.running_system import SHOWN, System
from tests.browser.conftest import OpenPage

COMPARED = "() => document.querySelector('.compare-plot')?.data ?? []"


def test_symbols_are_compared_from_a_common_start(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("Add a symbol to the comparison").select_option("BRISKO")
    page.get_by_label("Add a symbol to the comparison").select_option("DELVOR")
    page.wait_for_function(f"() => ({COMPARED})().length === 3")
    lines = page.evaluate(COMPARED)
    assert [line["name"] for line in lines] == ["ARBORO", "BRISKO", "DELVOR"]
    assert [line["y"][0] for line in lines] == [0, 0, 0]
    expect(page.locator(".legend")).to_contain_text("since")
    assert "view=compare" in page.url
    assert "with=BRISKO,DELVOR" in page.url
    page.get_by_role("button", name="Remove BRISKO").click()
    page.wait_for_function(f"() => ({COMPARED})().length === 2")


def test_history_shows_open_and_close_of_every_symbol(system: System, open_page: OpenPage) -> None:
    page = open_page(f"{system.page}/#view=history")
    expect(page.locator("#history p")).to_have_text(
        re.compile(rf"^Open and close of {len(SHOWN)} symbols since \d+ \w+ 20\d\d$")
    )
    assert page.locator(".card").count() == len(SHOWN)
    page.get_by_role("button", name="By change").click()
    texts = page.locator(".card-head span").all_inner_texts()
    changes = [percent_of(text) for text in texts]
    assert changes == sorted(changes, reverse=True)
    page.get_by_role("button", name="Table").click()
    assert "2025 open" in page.locator(".grid-table th").all_inner_texts()
    page.locator(".grid-table").get_by_role("button", name="CINDRA").click()
    expect(page.locator("#chart")).to_be_visible()
    expect(page.locator("#quote h1")).to_have_text("CINDRA")


def test_the_shown_data_is_exported_as_csv(system: System, open_page: OpenPage) -> None:
    page = open_page(f"{system.page}/#range=1Y")
    wait_for_chart(page)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Data shown (CSV)").click()
    assert download.value.suggested_filename == "ARBORO-1Y-1d.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [float(row["close"]) for row in rows] == closes(page)
    assert list(rows[0]) == [
        "timestamp", "open", "high", "low", "close", "volume", "closed", "sma_5", "sma_20",
    ]  # fmt: skip


def test_chart_is_exported_as_a_picture(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    wait_for_chart(page)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Picture (PNG)").click()
    data = Path(download.value.path()).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width >= 1600
    assert height >= 800


def test_link_restores_symbol_range_indicators_and_zoom(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(
        f"{system.page}/#symbol=DELVOR&range=1Y&show=volume,rsi",
        permissions=["clipboard-read", "clipboard-write"],
    )
    wait_for_chart(page)
    zoom_in(page)
    zoomed = x_range(page)
    page.wait_for_function("() => location.hash.includes('from=')")
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Copy link to this view").click()
    expect(page.get_by_text("Link copied", exact=True)).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    other = open_page(link)
    wait_for_chart(other)
    expect(other.locator("#quote h1")).to_have_text("DELVOR")
    assert [round(x) for x in x_range(other)] == [round(x) for x in zoomed]
    assert "show=volume,rsi" in link


def test_theme_follows_the_preference_and_the_switch(system: System, open_page: OpenPage) -> None:
    ground = "() => getComputedStyle(document.body).backgroundColor"
    page = open_page(system.page, scheme="light", motion=True)
    wait_for_chart(page)
    light = page.evaluate(ground)
    page.get_by_role("button", name="Theme: as the system").click()
    page.wait_for_function(f"(light) => ({ground})() !== light", arg=light)
    page.wait_for_function("() => document.getAnimations().length === 0")
    dark = page.evaluate(ground)
    page.reload()
    wait_for_chart(page)
    assert page.evaluate(ground) == dark
    grid = page.evaluate("() => document.querySelector('.js-plotly-plot').layout.xaxis.gridcolor")
    assert grid == "rgb(26, 33, 44)"
