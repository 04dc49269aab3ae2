"""The first chart, which is shown before its library has loaded."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from rigs.chart_reading import wait_for_chart
from rigs.stand_in import StandIn
from tests.browser.conftest import OpenPage

_PLACES = """([labels, price]) => {
  const at = (nodes, side) => [...nodes].map((node) => node.getBoundingClientRect()[side]);
  const box = (nodes) => [
    Math.min(...at(nodes, 'left')), Math.min(...at(nodes, 'top')),
    Math.max(...at(nodes, 'right')), Math.max(...at(nodes, 'bottom')),
  ];
  const named = [...document.querySelectorAll(labels)].map((node) => {
    const place = box([node]);
    return [`${place[0] > 900 ? 'price' : 'time'} ${node.textContent}`, place];
  });
  return { labels: Object.fromEntries(named), price: box(document.querySelectorAll(price)) };
}"""


def places(page: Page, labels: str, price: str) -> dict[str, Any]:
    """The boxes of the labels by text, and of the price's trace, in pixels."""
    found: dict[str, Any] = page.evaluate(_PLACES, [labels, price])
    return found


@pytest.mark.parametrize(
    ("view", "sketched", "drawn"),
    [
        ("", ".candles", ".trace.boxes path"),
        ("&show=sma,bollinger,vwap,rsi,macd,volume", ".candles", ".trace.boxes path"),
        ("&type=line", "polygon + path", ".xy .scatterlayer .trace:first-child .js-line"),
    ],
)
def test_first_chart_is_where_the_library_draws_it_afterwards(
    world: StandIn, open_page: OpenPage, view: str, sketched: str, drawn: str
) -> None:
    held: list[Route] = []
    world.stopped_at = world.now()
    world.fix(120)
    page = open_page(
        f"{world.page}#symbol=ACME{view}",
        prepare=lambda page: page.route("**/vendor/*.js", lambda route: held.append(route)),
    )
    expect(page.locator(".sketch")).to_be_visible()
    expect(page.locator("#quote h1")).to_have_text("ACME")
    before = places(page, ".sketch text", f".sketch svg:first-of-type {sketched}")
    assert len(before["labels"]) > 8
    page.locator("#chart").hover()
    expect(page.locator(".cross-v")).to_be_visible()
    tag = page.locator("#chart .price-tag").bounding_box()
    for route in held:
        route.continue_()
    wait_for_chart(page, 0 if "line" in view else 120)
    expect(page.locator(".js-plotly-plot .xtick").first).to_be_attached()
    expect(page.locator(".sketch")).to_have_count(0)
    after = places(page, ".js-plotly-plot [class*='tick'] text", drawn)
    assert before["labels"].keys() == after["labels"].keys()
    for label, at in after["labels"].items():
        assert before["labels"][label] == pytest.approx(at, abs=1), label
    assert before["price"] == pytest.approx(after["price"], abs=1)
    assert tag == pytest.approx(page.locator("#chart .price-tag").bounding_box(), abs=1)


def test_page_works_without_the_library_and_names_it(world: StandIn, open_page: OpenPage) -> None:
    page = open_page(
        f"{world.page}#symbol=ACME",
        prepare=lambda page: page.route("**/vendor/*.js", lambda route: route.abort()),
        expect="Failed to load",
    )
    expect(page.locator(".chart-note")).to_contain_text("Dragging needs the chart's library")
    expect(page.locator(".chart-message")).to_be_empty()
    expect(page.get_by_role("tab", name="Fired")).to_be_visible()
    page.locator("#chart").focus()
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("from="))
    page.locator(".tabs").get_by_text("Compare").click()
    expect(page.locator("#compare")).to_contain_text("library is loading")


@pytest.mark.parametrize("closes", [[7], [7, 7], [0.000011, 0.000013, 0.000012]])
def test_few_flat_and_tiny_bars_are_drawn_with_labels_that_differ(
    world: StandIn, open_page: OpenPage, closes: list[float]
) -> None:
    """An area without points made a console error, and tiny prices had labels alike."""
    world.fix(len(closes))
    for row, close in zip(world.fixed["prices"], closes, strict=True):
        row.update(dict.fromkeys(("open", "high", "low", "close"), close), volume=0)
    held: list[Route] = []
    page = open_page(
        f"{world.page}#symbol=ACME&show=sma,rsi,macd,volume",
        prepare=lambda page: page.route("**/vendor/*.js", lambda route: held.append(route)),
    )
    expect(page.locator(".sketch")).to_be_visible()
    before = places(page, ".sketch text", ".sketch svg:first-of-type .candles")
    assert [label for label in before["labels"] if label.startswith("time")]
    prices = page.locator(".sketch > text").all_text_contents()[:4]
    assert len(set(prices)) == 4
    for route in held:
        route.continue_()
    wait_for_chart(page, len(closes))
    after = places(page, ".js-plotly-plot [class*='tick'] text", ".trace.boxes path")
    assert before["labels"].keys() == after["labels"].keys()
