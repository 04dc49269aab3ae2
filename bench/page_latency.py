"""Seconds from a trade until the page shows its price, over a whole local system.

A stand-in for Coinbase stamps each trade and pushes it. The price passes the session, thinning
(0.05 s), Kinesis, ingest (window 0.2 s), the table's stream, detect, the state table's stream,
push, WebSocket and page. The price counts as shown two frames after its text has changed, so at
most one frame late. Stand-in and browser read the same clock. Pauses between trades are random, so
that windows and polls are met at any moment. Bias: all of it shares the machine's cores.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page

from bench.measuring import p95, timed
from bench.pushed_sources import SYMBOL
from embedded_aws.environment import point_at
from rigs.pushed_services.coinbase import CoinbaseProtocol
from rigs.pushed_services.server import StandIn, standing
from rigs.running_system import ROOT, System, running_system

TRADES = 60
MEDIAN_SECONDS = 0.5
P95_SECONDS = 1.0
IDLE_SECONDS = 60.0
SETTLED_SECONDS = 20.0
_PAUSES = 0.3, 1.3
_PATIENCE_MS = 120_000

_WATCH = """() => {
  window.shownAt = {};
  const price = document.querySelector('#quote .price .value');
  new MutationObserver(() => {
    const text = price.textContent.replaceAll(',', '');
    requestAnimationFrame(() => requestAnimationFrame(() => {
      window.shownAt[text] ??= (performance.timeOrigin + performance.now()) / 1000;
    }));
  }).observe(price, { childList: true, characterData: true, subtree: true });
}"""

Result = dict[str, Any]


def latency(browser: Browser) -> list[Result]:
    """Return the seconds from trade to pixel, and the requests of an idle minute afterwards."""
    with (
        running_system("--source", "none") as system,
        standing(lambda: CoinbaseProtocol((SYMBOL,))) as service,
        _producing(system, service),
    ):
        _wait_for_subscription(service)
        first = service.trade(SYMBOL)
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.goto(f"{system.page}/#symbol={SYMBOL}")
        page.locator("#quote .price .value", has_text=f"{first.price:.2f}").wait_for(
            timeout=_PATIENCE_MS
        )
        pushed = page.locator("#status button[data-link][title*='pushed as they arrive']")
        pushed.wait_for(timeout=_PATIENCE_MS)
        page.evaluate(_WATCH)
        taken = _seconds(page, service)
        requests = _idle_requests(page)
        page.context.close()
    return [_result(taken), _idle_result(requests)]


@contextmanager
def _producing(system: System, service: StandIn) -> Iterator[None]:
    """Run the producer, which sends a stand-in's trades to a local system."""
    environment = dict(os.environ)
    point_at(environment, system.aws, system.keys)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "producer", "stream", "--source", "coinbase"),
            *("--symbols", SYMBOL, "--interval", "0.05", "--stream", "ticktape-local-ticks"),
            *("--live-url", service.stream_url, "--history-url", service.history_url),
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE_MS / 1000)


def _wait_for_subscription(service: StandIn) -> None:
    end = time.monotonic() + _PATIENCE_MS / 1000
    while not service.subscribed:
        if time.monotonic() > end:
            raise RuntimeError("the producer does not subscribe to the stand-in")
        time.sleep(0.05)


def _seconds(page: Page, service: StandIn) -> list[float]:
    """Push trades, and return the seconds until the page shows the price of each. TRADES trades
    count; one more comes first and does not count."""
    draw, seen = random.Random(22), set[str]()
    taken: list[float] = []
    while len(taken) <= TRADES:
        trade = service.trade(SYMBOL)
        text = f"{trade.price:.2f}"
        if text not in seen:
            seen.add(text)
            taken.append(_shown_at(page, text) - trade.at.timestamp())
        page.wait_for_timeout(1000 * draw.uniform(*_PAUSES))
    return taken[1:]


def _shown_at(page: Page, text: str) -> float:
    """Wait until a price is shown. Return that time in epoch seconds."""
    handle = page.wait_for_function(
        "(text) => window.shownAt[text]", arg=text, timeout=_PATIENCE_MS
    )
    return float(handle.json_value())


def _idle_requests(page: Page) -> int:
    """Return how many requests the page makes in a minute without prices.

    This waits first until the page has finished other requests. These ask whether a new symbol has
    history, and whether pushed prices stay away.
    """
    made: list[float] = []
    page.on("request", lambda _: made.append(time.monotonic()))
    end, began = time.monotonic() + _PATIENCE_MS / 1000, time.monotonic()
    while time.monotonic() - max([began, *made]) < SETTLED_SECONDS and time.monotonic() < end:
        page.wait_for_timeout(500)
    made.clear()
    page.wait_for_timeout(1000 * IDLE_SECONDS)
    return len(made)


def _result(taken: list[float]) -> Result:
    middle, most = median(taken), p95(taken)
    return {
        **timed("page: pushed price, from event to pixel", "s", taken, 3),
        "target": f"median < {MEDIAN_SECONDS:g} s, p95 < {P95_SECONDS:g} s",
        "holds": middle < MEDIAN_SECONDS and most < P95_SECONDS,
    }


def _idle_result(requests: int) -> Result:
    return {
        "name": f"page: requests in {IDLE_SECONDS:.0f} s of an idle market",
        "value": requests,
        "unit": "requests",
        "target": "0",
        "holds": requests == 0,
    }
