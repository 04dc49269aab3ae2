"""The first chart, which is shown before its library has loaded."""

from __future__ import annotations

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
    world.fix(120)
    page = open_page(
        f"{world.page}#symbol=ACME{view}",
        prepare=lambda page: page.route("**/vendor/*.js", lambda route: held.append(route)),
    )
    expect(page.locator(".sketch")).to_be_visible()
    expect(page.locator("#quote h1")).to_have_text("ACME")
    before = places(page, ".sketch text", f".sketch svg:first-of-type {sketched}")
    assert len(before["labels"]) > 8
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


def test_library_that_cannot_be_loaded_is_named_in_the_charts_place(
    world: StandIn, open_page: OpenPage
) -> None:
    page = open_page(
        f"{world.page}#symbol=ACME",
        prepare=lambda page: page.route("**/vendor/*.js", lambda route: route.abort()),
        expect="load",
    )
    expect(page.locator("#chart-message")).to_have_text("The chart's library could not be loaded.")
    expect(page.locator("#quote h1")).to_have_text("ACME")
