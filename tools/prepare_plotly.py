"""Builds the page's chart library from npm's plotly.js, and the form in which it is sent.

    python -m tools.prepare_plotly      # after `pip install zopfli`; needs Node

`plotly/bundle.js` names the parts of plotly.js that the page uses; esbuild joins them into
`frontend/vendor/plotly-candles.min.js`. The versions of both are in `plotly/package-lock.json`.

Browsers read a function's text twice: to find its end and, when it is called, to compile it, on the
page's own thread. A function in parentheses is compiled at once, while the script is still loading
(https://v8.dev/blog/preparser#pife). So the function expressions that the first chart calls are put
into parentheses, which changes nothing else. They are found by drawing that chart in Chromium with
coverage enabled. The result is compressed by zopfli and kept as `plotly-candles.min.js.gz`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.page_files import VENDOR

PARTS = Path(__file__).with_name("plotly")
BUNDLE = VENDOR / "plotly-candles.min.js"
LICENCE = VENDOR / "plotly-candles.LICENSE.txt"
Span = tuple[int, int]

SHORTEST = 200
"""The fewest characters of a function that parentheses are worth."""

BANNER = """/**
 * plotly.js v{version}: the core, scatter and candlestick
 * Copyright 2012-2026, Plotly, Inc.
 * Licensed under the MIT license
 */"""

OPTIONS = [
    "--bundle",
    "--minify",
    "--format=iife",
    "--global-name=Plotly",
    "--target=es2022",
    "--define:global=window",
    "--define:define.amd=false",
    "--legal-comments=none",
    "--loader:.css=empty",
    "--log-level=warning",
]

_ARROW = re.compile(r"(?:async)?\s*(?:[\w$]+|\([^()]*(?:\([^()]*\)[^()]*)*\))\s*=>")


def is_expression(source: str, span: Span) -> bool:
    """Return whether a span is a function expression, which may be put into parentheses.
    Declarations and methods may not."""
    text = source[span[0] : span[1]]
    if text.startswith("function"):
        return source[span[0] - 1] in "=(,:!&|?[" or source[: span[0]].endswith("return ")
    return _ARROW.match(text) is not None


def in_parentheses(source: str, spans: list[Span]) -> str:
    """Return the source with parentheses around each span."""
    marks = [(start, 1, "(") for start, _ in spans] + [(end, 0, ")") for _, end in spans]
    parts, last = [], 0
    for at, _, mark in sorted(marks):
        parts += [source[last:at], mark]
        last = at
    return "".join(parts) + source[last:]


def called_functions(script: str) -> list[Span]:
    """Return the spans of the functions that the first chart calls, from SHORTEST on."""
    from playwright.sync_api import sync_playwright

    from bench.page import CANDLES, launched, served, watched_page
    from rigs.stand_in import stand_in

    with stand_in() as world, served(world) as base, sync_playwright() as playwright:
        world.fix(CANDLES)
        browser = launched(playwright)
        page = watched_page(browser)
        page.goto(f"{base}/config.json")  # coverage goes on with the next page of the same host
        session = page.context.new_cdp_session(page)
        session.send("Profiler.enable")
        session.send("Profiler.startPreciseCoverage", {"callCount": True, "detailed": False})
        page.goto(f"{base}/#symbol=ACME")
        page.wait_for_function("() => window.completeAt")
        found: list[dict[str, Any]] = session.send("Profiler.takePreciseCoverage")["result"]
        browser.close()
    [functions] = [one["functions"] for one in found if one["url"].endswith(script)]
    ranges = [function["ranges"][0] for function in functions]
    spans = [(one["startOffset"], one["endOffset"]) for one in ranges if one["count"]]
    return [(start, end) for start, end in spans if end - start >= SHORTEST]


def build() -> None:
    """Write the bundle, its licence and its digest."""
    with TemporaryDirectory() as folder:
        shutil.copytree(PARTS, folder, dirs_exist_ok=True)
        install = ["npm", "ci", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(install, cwd=folder, check=True)  # noqa: S603 - fixed
        package = Path(folder) / "node_modules" / "plotly.js"
        version = json.loads((package / "package.json").read_text())["version"]
        banner = BANNER.format(version=version)
        command = ["npx", "esbuild", "bundle.js", *OPTIONS, f"--banner:js={banner}"]
        subprocess.run([*command, f"--outfile={BUNDLE}"], cwd=folder, check=True)  # noqa: S603
        shutil.copyfile(package / "LICENSE", LICENCE)
    digest = hashlib.sha256(BUNDLE.read_bytes()).hexdigest()
    (VENDOR / "SHA256SUMS").write_text(f"{digest}  {BUNDLE.name}\n")


def main() -> None:
    """Build the bundle and write both of its forms."""
    import zopfli.gzip

    kept = BUNDLE.with_name(f"{BUNDLE.name}.gz")
    kept.unlink(missing_ok=True)  # so that Chromium gets the new bundle
    build()
    source = BUNDLE.read_text()
    spans = [span for span in called_functions(BUNDLE.name) if is_expression(source, span)]
    made = in_parentheses(source, spans).encode()
    kept.write_bytes(zopfli.gzip.compress(made, numiterations=60, blocksplittingmax=40))
    print(f"{len(spans)} functions are compiled ahead; {kept.stat().st_size} bytes")


if __name__ == "__main__":
    main()
