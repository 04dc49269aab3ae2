"""The page in Chromium: the first chart of 390 candles beside two minimal pages, and live updates.

The first chart has candles, volume, averages, grid and labels. Ours is drawn before Plotly has
loaded (`chart/sketch.js`). Plotly draws it once more, so that it answers the pointer. Both times
are measured.

The minimal pages draw the same candles, volume and averages with full Plotly and with
lightweight-charts, both from npm. The same server serves all three pages gzipped, and they get
their bars from the same API. They take turns, each time in a fresh browser context without a cache.
Times are milliseconds until the frame that has the candles is painted.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from bench.measuring import timed
from bench.page_latency import latency
from embedded_aws.http_server import Server
from infra.page_files import content, gzipped, loaded_by_itself
from local.page_server import handler
from rigs.chromium import ARGUMENTS, full
from rigs.stand_in import FRONTEND, StandIn, stand_in

FILES = Path(__file__).with_name("page_files")
ROUNDS = 7
CANDLES = 390
MAX_SCRIPT_KB = 480

_DRAWN = """() => {
  const plotly = () => document.querySelectorAll('.js-plotly-plot .trace.boxes path').length > 100;
  const when = (seen, name) => {
    const look = () => {
      if (!seen()) return requestAnimationFrame(look);
      setTimeout(() => { window[name] = performance.now(); });
    };
    requestAnimationFrame(look);
  };
  when(() => window.drawn || document.querySelector('.sketch .candles') || plotly(), 'drawnAt');
  when(() => window.drawn || plotly(), 'completeAt');
}"""

Result = dict[str, Any]


def _assemble(root: Path) -> None:
    """Copy the page, the minimal pages and their npm files into one folder."""
    shutil.copytree(FRONTEND, root, dirs_exist_ok=True)
    shutil.copytree(FILES, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("npm"))
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=FILES / "npm", check=True)
    shutil.copytree(FILES / "npm" / "node_modules", root / "npm")


@contextmanager
def served(world: StandIn) -> Iterator[str]:
    """Run a server for all three pages and yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        _assemble(Path(folder))
        kind = handler(world.api, {"stage": "bench", "poll_seconds": 60}, Path(folder))
        server = Server(0)
        server.start(kind)
        try:
            yield server.address
        finally:
            server.stop()


def launched(playwright: Playwright) -> Browser:
    """Launch the system's browser with the tests' options."""
    return playwright.chromium.launch(executable_path=full(), args=ARGUMENTS)


def watched_page(browser: Browser) -> Page:
    """Return a page in a fresh context that records when its chart is drawn. `drawnAt` is when
    candles are first drawn; `completeAt` is when a chart's library has drawn them."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.add_init_script(f"({_DRAWN})()")
    return page


def _first_chart(browser: Browser, url: str) -> tuple[float, float]:
    """Return two times in milliseconds since navigation. The first is that of the first frame with
    candles. The second is that of the frame that the chart's library draws."""
    page = watched_page(browser)
    page.goto(url)
    page.wait_for_function("() => window.completeAt", timeout=30_000)
    first, complete = page.evaluate("[window.drawnAt, window.completeAt]")
    page.context.close()
    return float(first), float(complete)


def _updates(browser: Browser, base: str) -> dict[str, list[float]]:
    context = browser.new_context(viewport={"width": 1100, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{base}/updates.html")
    page.wait_for_function("() => window.measure")
    page.evaluate("() => window.measure(2)")
    found: dict[str, list[float]] = page.evaluate("(n) => window.measure(n)", ROUNDS)
    context.close()
    return found


def script_kb() -> float:
    """Return the size in KB of the JavaScript that an opened page loads, gzipped as sent."""
    return sum(len(gzipped(path, content(path))) for path in loaded_by_itself()) / 1000


def _result(name: str, values: list[float], target: float, **more: Any) -> Result:
    value = round(median(values), 1)
    return {
        **timed(name, "ms", values),
        "target": f"<= {target:g} ms",
        "holds": value <= target,
        **more,
    }


def _beside(what: str, ours: list[float], name: str, theirs: list[float], limit: float) -> Result:
    """Return our result beside a minimal page's of the same run. `limit` is the highest allowed
    ratio."""
    baseline = round(median(theirs), 1)
    ratio = round(median(ours) / baseline, 2)
    more = {"baseline": f"{baseline} {name}", "ratio": ratio, "target": f"< {limit:g} x"}
    title = f"page: {what}, beside {name}"
    return {**_result(title, ours, 0), **more, "holds": ratio < limit}


def measure() -> list[Result]:
    """Return the medians of ROUNDS rounds, after one uncounted round."""
    paths = {
        "ours": "/#symbol=ACME",
        "full": "/bare_plotly.html",
        "light": "/bare_lightweight.html",
    }
    first: dict[str, list[float]] = {name: [] for name in paths}
    complete: list[float] = []
    with stand_in() as world, served(world) as base, sync_playwright() as playwright:
        world.fix(CANDLES)
        browser = launched(playwright)
        for number in range(ROUNDS + 1):
            for name, path in paths.items():
                taken, by_library = _first_chart(browser, base + path)
                if number:
                    first[name].append(taken)
                if number and name == "ours":
                    complete.append(by_library)
        updates = _updates(browser, base)
        pushed = latency(browser)
        browser.close()
    size = round(script_kb(), 1)
    return [
        _beside("first chart", first["ours"], "full Plotly", first["full"], 0.35),
        _beside("first chart", first["ours"], "lightweight-charts", first["light"], 1.7),
        _beside("chart drawn by Plotly", complete, "full Plotly", first["full"], 0.5),
        _result("page: symbol switch to paint", updates["symbol switch"], 100),
        _result("page: price update to paint", updates["price update"], 20),
        _result("page: candle commit to paint", updates["candle commit"], 60),
        {
            "name": "page: JavaScript of an opened page, gzipped as sent",
            "value": size,
            "unit": "KB",
            "target": f"< {MAX_SCRIPT_KB} KB",
            "holds": size < MAX_SCRIPT_KB,
        },
        *pushed,
    ]
