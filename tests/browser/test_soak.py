"""The page at five updates a second: memory stays, a zoom stays.

Against the stand-in, since the emulated services of the real system do not give five new answers a
second on two cores.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import CDPSession

from tests.browser.chart_reading import wait_for_chart, x_range, zoom_in
from tests.browser.conftest import OpenPage
from tests.browser.stand_in import StandIn

POLL_SECONDS = 0.2
WARM_UP_MS = 8000
ALLOWED_GROWTH = 1.2


def heap_bytes(session: CDPSession) -> float:
    """JavaScript heap in use after collecting garbage."""
    session.send("HeapProfiler.collectGarbage")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize"))


@pytest.mark.parametrize("seconds", [30, pytest.param(300, marks=pytest.mark.long)])
@pytest.mark.timeout(420)
def test_updates_keep_memory_and_zoom(world: StandIn, open_page: OpenPage, seconds: int) -> None:
    world.poll_seconds = POLL_SECONDS
    page = open_page(world.page)
    wait_for_chart(page)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    zoom_in(page)
    page.wait_for_timeout(WARM_UP_MS)
    zoomed, before, asked = x_range(page), heap_bytes(session), len(world.asked)
    page.wait_for_timeout(seconds * 1000)
    assert x_range(page) == zoomed
    assert heap_bytes(session) <= before * ALLOWED_GROWTH
    assert len(world.asked) - asked > 2 * seconds, "the machine was too busy for this soak"
