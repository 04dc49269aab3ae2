"""What is done on the chart itself, against the stand-in: the crosshair."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from rigs.chart_reading import layout, wait_for_chart
from rigs.stand_in import StandIn
from tests.browser.conftest import OpenPage


@pytest.fixture
def page(world: StandIn, open_page: OpenPage) -> Page:
    """The chart of ACME with volume, RSI and MACD; prices stand still."""
    world.rules = []
    world.stopped_at = world.now()
    page = open_page(f"{world.page}#symbol=ACME&show=volume,rsi,macd")
    wait_for_chart(page)
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
