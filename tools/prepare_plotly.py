"""Builds `frontend/vendor/plotly-finance.min.js.gz`, the form in which the bundle is sent.

    python -m tools.prepare_plotly      # after `pip install zopfli`

Browsers read a function's text twice: to find its end and, when it is called, to compile it, on the
page's own thread. A function in parentheses is compiled at once, while the script is still loading
(https://v8.dev/blog/preparser#pife). So the function expressions that the first chart calls are put
into parentheses, which changes nothing else. They are found by drawing that chart in Chromium with
coverage enabled. The result is compressed by zopfli.
"""

from __future__ import annotations

import re
from typing import Any

from local.page_files import ROOT

BUNDLE = ROOT / "vendor" / "plotly-finance.min.js"
Span = tuple[int, int]

SHORTEST = 200
"""For shorter functions parentheses cost more than they save, in characters."""

_ARROW = re.compile(r"(?:async)?\s*(?:[\w$]+|\([^()]*(?:\([^()]*\)[^()]*)*\))\s*=>")


def is_expression(source: str, span: Span) -> bool:
    """Return whether a function's text at a span may be put in parentheses: no declaration, no
    method."""
    text = source[span[0] : span[1]]
    if text.startswith("function"):
        return source[span[0] - 1] in "=(,:!&|?[" or source[: span[0]].endswith("return ")
    return _ARROW.match(text) is not None


def in_parentheses(source: str, spans: list[Span]) -> str:
    """Return the text with parentheses around each span."""
    marks = [(start, 1, "(") for start, _ in spans] + [(end, 0, ")") for _, end in spans]
    parts, last = [], 0
    for at, _, mark in sorted(marks):
        parts += [source[last:at], mark]
        last = at
    return "".join(parts) + source[last:]


def called_functions(script: str) -> list[Span]:
    """Return the spans of the script's functions that the first chart calls, except tiny ones."""
    from playwright.sync_api import sync_playwright

    from bench.page import CANDLES, launched, served, watched_page
    from rigs.stand_in import stand_in

    with stand_in() as world, served(world) as base, sync_playwright() as playwright:
        world.fix(CANDLES)
        browser = launched(playwright)
        page = watched_page(browser)
        page.goto(f"{base}/config.json")  # coverage lasts from one page to the next of a host
        session = page.context.new_cdp_session(page)
        session.send("Profiler.enable")
        session.send("Profiler.startPreciseCoverage", {"callCount": True, "detailed": False})
        page.goto(f"{base}/#symbol=ACME")
        page.wait_for_function("() => window.drawnAt")
        found: list[dict[str, Any]] = session.send("Profiler.takePreciseCoverage")["result"]
        browser.close()
    [functions] = [one["functions"] for one in found if one["url"].endswith(script)]
    ranges = [function["ranges"][0] for function in functions]
    spans = [(one["startOffset"], one["endOffset"]) for one in ranges if one["count"]]
    return [(start, end) for start, end in spans if end - start >= SHORTEST]


def main() -> None:
    """Write the file."""
    import zopfli.gzip

    kept = BUNDLE.with_name(f"{BUNDLE.name}.gz")
    kept.unlink(missing_ok=True)  # so that the bundle itself is measured
    source = BUNDLE.read_text()
    spans = [span for span in called_functions(BUNDLE.name) if is_expression(source, span)]
    made = in_parentheses(source, spans).encode()
    kept.write_bytes(zopfli.gzip.compress(made, numiterations=60, blocksplittingmax=40))
    print(f"{len(spans)} functions are compiled ahead; {kept.stat().st_size} bytes")


if __name__ == "__main__":
    main()
