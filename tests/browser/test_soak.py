"""The page at up to five updates a second: memory stays, a zoom stays.

Against the stand-in, since the emulated services of the real system do not give five new answers a
second on two cores.
"""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import CDPSession, Page

from rigs.chart_reading import wait_for_chart, x_range, zoom_in
from rigs.stand_in import StandIn
from tests.browser.conftest import OpenPage
from tests.patience import PATIENCE_SECONDS

POLL_SECONDS = 0.2
WARM_UP = 25
ROUNDS = 10
READINGS = 5
SETTLED = 1.02
ALLOWED_GROWTH = 1.2


def heap_bytes(session: CDPSession) -> float:
    """JavaScript heap in use after collecting garbage, without answers that are just being read.

    An answer takes 2 MB while the page reads it, so the smallest of several readings counts.
    """

    def reading() -> float:
        session.send("HeapProfiler.collectGarbage")
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize"))

    return min(reading() for _ in range(READINGS))


def wait_for_updates(page: Page, world: StandIn, count: int) -> None:
    """Wait until the page has requested quotes `count` more times."""
    begun, end = len(world.asked), time.monotonic() + PATIENCE_SECONDS
    while sum(path.startswith("/quotes") for path in world.asked[begun:]) < count:
        assert time.monotonic() < end, "the page does not poll"
        page.wait_for_timeout(50)


def settled_heap(page: Page, world: StandIn, session: CDPSession) -> float:
    """Return the heap once it has stopped growing: modules that load late on a busy machine are not
    a leak."""
    heap = heap_bytes(session)
    for _ in range(ROUNDS):
        before = heap
        wait_for_updates(page, world, WARM_UP)
        heap = heap_bytes(session)
        if heap <= before * SETTLED:
            return heap
    raise AssertionError(f"the heap grew in each of {ROUNDS} rounds, to {heap:,.0f} bytes")


@pytest.mark.parametrize("updates", [60, pytest.param(1500, marks=pytest.mark.long)])
def test_updates_keep_memory_and_zoom(world: StandIn, open_page: OpenPage, updates: int) -> None:
    world.poll_seconds = POLL_SECONDS
    page = open_page(world.page)
    wait_for_chart(page)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    zoom_in(page)
    wait_for_updates(page, world, WARM_UP)
    zoomed, before = x_range(page), settled_heap(page, world, session)
    wait_for_updates(page, world, updates)
    assert x_range(page) == zoomed
    assert heap_bytes(session) <= before * ALLOWED_GROWTH
