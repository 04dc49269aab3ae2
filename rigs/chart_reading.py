"""Reads the drawn chart of a page."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page

MINUS = "\N{MINUS SIGN}"
"""The page uses a true minus sign."""

_CLOSES = """() => {
  const graph = document.querySelector('.js-plotly-plot');
  const trace = graph?.data?.find((t) => t.type === 'candlestick');
  return trace ? trace.close : [];
}"""


_IN_VIEW = """() => {
  const graph = document.querySelector('.js-plotly-plot');
  const { x, low, high } = graph.data.find((t) => t.type === 'candlestick');
  const [first, last] = graph.layout.xaxis.range;
  const seen = [...low.keys()].filter((i) => x[i] >= first && x[i] <= last);
  const prices = [Math.min(...seen.map((i) => low[i])), Math.max(...seen.map((i) => high[i]))];
  return { prices, axis: graph.layout.yaxis.range, share: seen.length / low.length };
}"""


def wait_for_chart(page: Page, bars: int = 60) -> None:
    """Wait until a candlestick trace with at least `bars` bars is drawn."""
    page.wait_for_function(f"(bars) => ({_CLOSES})().length >= bars", arg=bars)


def closes(page: Page) -> list[float]:
    """Return the closes of the drawn candles."""
    return [float(value) for value in page.evaluate(_CLOSES)]


def x_range(page: Page) -> list[float]:
    """Return the visible range of the axis, in bars."""
    return [float(x) for x in layout(page, "xaxis.range")]


def in_view(page: Page) -> dict[str, Any]:
    """Return the price range that the chart shows, as of one moment.

    `prices` are the lowest and highest price of the visible candles, and `axis` is the range of the
    price axis. `share` is the visible share of the drawn candles.
    """
    found: dict[str, Any] = page.evaluate(_IN_VIEW)
    return found


def layout(page: Page, path: str) -> Any:
    """Return a value of the chart's layout, such as `yaxis.range`."""
    return page.evaluate(f"() => document.querySelector('.js-plotly-plot').layout.{path}")


def trace_names(page: Page) -> list[str]:
    """Return the names of the drawn traces, in order."""
    return [
        str(name)
        for name in page.evaluate(
            "() => document.querySelector('.js-plotly-plot').data.map((t) => t.name)"
        )
    ]


def wait_for_trace(page: Page, name: str) -> None:
    """Wait until a trace with this name is drawn."""
    page.wait_for_function(
        "(name) => document.querySelector('.js-plotly-plot').data.some((t) => t.name === name)",
        arg=name,
    )


def wait_for_other_range(page: Page, before: list[float]) -> None:
    """Wait until the visible range has changed and then stayed the same for a frame."""
    page.wait_for_function(
        "(before) => JSON.stringify(document.querySelector('.js-plotly-plot').layout.xaxis.range)"
        " !== before",
        arg=json.dumps(before, separators=(",", ":")),
    )
    last = None
    while last != (last := x_range(page)):
        page.wait_for_timeout(60)


def zoom_in(page: Page) -> None:
    """Zoom in by turning the mouse wheel over the middle of the candles."""
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    before = x_range(page)
    page.mouse.wheel(0, -400)
    wait_for_other_range(page, before)


def percent_of(text: str) -> float:
    """Parse a percentage in the form that the page shows."""
    return float(text.replace(MINUS, "-").replace("+", "").replace(",", "").rstrip("%"))
