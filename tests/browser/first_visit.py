"""A visit to a system that has just printed its address, as the page itself saw it.

Everything is stamped by the page's own clock, in a script that runs before those of the page.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser

from rigs.chart_reading import wait_for_chart

MOST_MS = 120_000

_RECORDER = """(() => {
  const visit = (window.visit = []);
  const note = (kind, what) => visit.push([kind, performance.timeOrigin + performance.now(), what]);
  const ask = window.fetch;
  window.fetch = async (...given) => {
    const response = await ask(...given);
    if (new URL(response.url).pathname !== "/symbols") return response;
    response.clone().json().then(({ symbols }) => note("symbols", symbols.length));
    return response;
  };
  const look = () => {
    const said = document.querySelector("#chart-message")?.innerText;
    if (said && said !== visit.findLast(([kind]) => kind === "message")?.[2]) note("message", said);
    const graph = document.querySelector(".js-plotly-plot");
    const candles = graph?.data?.find((trace) => trace.type === "candlestick")?.close.length;
    if (candles && said === "") note("chart", candles);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""


@dataclass(frozen=True)
class FirstVisit:
    """`events` are (kind, milliseconds since the epoch, what): `symbols` with how many there are,
    `message` with what stands in the chart's place, `chart` with how many candles."""

    printed_at: float
    events: list[tuple[str, float, Any]]

    @property
    def messages(self) -> list[str]:
        """Return the texts shown in the chart's place, in order."""
        return [what for kind, _, what in self.events if kind == "message"]

    @property
    def began_empty(self) -> bool:
        """Return whether the page saw the list before it had an entry."""
        first: int = next(what for kind, _, what in self.events if kind == "symbols")
        return first == 0

    @property
    def polls_to_chart(self) -> int:
        """Answers with an entry up to the chart."""
        return sum(kind == "symbols" and what > 0 for kind, _, what in self._until_chart())

    @property
    def seconds_to_chart(self) -> float:
        """From the printing of the address."""
        return round(self._until_chart()[-1][1] / 1000 - self.printed_at, 2)

    @property
    def seconds_from_symbol_to_chart(self) -> float:
        """From the first answer that has an entry."""
        until = self._until_chart()
        first = next(when for kind, when, what in until if kind == "symbols" and what > 0)
        return round((until[-1][1] - first) / 1000, 2)

    def figures(self) -> str:
        """The seconds, for people."""
        return (
            f"chart {self.seconds_to_chart} s after the address was printed, "
            f"{self.seconds_from_symbol_to_chart} s after the first symbol was there"
        )

    def _until_chart(self) -> list[tuple[str, float, Any]]:
        kinds = [kind for kind, _, _ in self.events]
        return self.events[: kinds.index("chart") + 1]


def visit(browser: Browser, address: str) -> FirstVisit:
    """Open the page now, and wait for its chart."""
    printed_at = time.time()
    context = browser.new_context(viewport={"width": 1440, "height": 900}, service_workers="block")
    page = context.new_page()
    page.set_default_timeout(MOST_MS)
    page.add_init_script(_RECORDER)
    page.goto(address)
    wait_for_chart(page, 1)
    page.wait_for_function("() => window.visit.some(([kind]) => kind === 'chart')")
    events = page.evaluate("() => window.visit")
    page.context.close()
    return FirstVisit(printed_at, events)
