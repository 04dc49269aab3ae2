"""Records the page until an alert fires: the first picture of the README.

    python -m tools.record_page                        # writes docs/images/dashboard.webp
    python -m tools.record_page --out /tmp/page.webp --stills /tmp/stills

It starts the local system with the simulator on free ports, opens the page in Chromium, sets a rule
just above the price with `+ Rule` and records until the rule's alert is listed. `--stills` saves
every frame as a PNG for inspection. It needs `make setup` and a Chromium.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, sync_playwright

from bench.page import launched
from rigs.chart_reading import layout, wait_for_chart
from rigs.running_system import System, polls_every, running_system
from tools.animation import Animation

OUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "dashboard.webp"
SIZE = (1000, 740)
"""The size of the page in pixels. A README has about this width, so that the text stays legible."""

ABOVE = 0.012
"""The distance from the last price up to the rule's price, as a share of the price axis."""

PATIENCE = 240
"""The most seconds until the first prices arrive, and until the price crosses the rule's line."""


class Scene:
    """A page with a pointer on it, and the animation that records both."""

    def __init__(self, page: Page, film: Animation) -> None:
        self.page = page
        self.film = film
        self.at = (SIZE[0] * 0.4, SIZE[1] * 0.5)

    def shoot(self, milliseconds: int) -> None:
        """Record the page as one frame that lasts `milliseconds`."""
        self.film.add(self.page.screenshot(), milliseconds, self.at)

    def watch(self, frames: int) -> None:
        """Record the page as this many frames, 0.7 s apart."""
        for _ in range(frames):
            self.page.wait_for_timeout(700)
            self.shoot(260)

    def move(self, x: float, y: float, steps: int = 7) -> None:
        """Move the pointer to a point in `steps`, and record each step."""
        (from_x, from_y) = self.at
        for step in range(1, steps + 1):
            share = step / steps
            self.at = (from_x + (x - from_x) * share, from_y + (y - from_y) * share)
            self.page.mouse.move(*self.at)
            self.page.wait_for_timeout(50)
            self.shoot(60)

    def press(self, name: str, role: Literal["button", "tab"] = "button") -> None:
        """Move the pointer to a control and click it. Raises RuntimeError if there is none."""
        box = self.page.get_by_role(role, name=re.compile(name)).first.bounding_box()
        if box is None:
            raise RuntimeError(f"the page shows no {role} named {name}")
        self.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.click(*self.at)
        self.page.wait_for_timeout(250)
        self.shoot(500)


def set_rule(scene: Scene) -> None:
    """Set a rule a little above the last price, with the button `+ Rule`."""
    page = scene.page
    print("setting a rule", file=sys.stderr)
    scene.press("Rule at price")
    price = float(page.locator("#quote .price .value").inner_text().replace(",", ""))
    low, high = layout(page, "yaxis.range")
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    if box is None:
        raise RuntimeError("no chart is drawn")
    wanted = box["y"] + box["height"] * ((high - price) / (high - low) - ABOVE)
    scene.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.25)
    scene.move(scene.at[0], wanted)
    scene.shoot(500)
    page.mouse.click(*scene.at)
    page.get_by_role("dialog").wait_for()
    scene.shoot(900)
    scene.press("^Create$")
    page.locator(".level").wait_for()


def wait_for_alert(scene: Scene) -> None:
    """Record until the alert is listed, then show it on the chart. Raises RuntimeError after
    PATIENCE seconds."""
    page = scene.page
    print("waiting for its alert", file=sys.stderr)
    page.get_by_label("Kind", exact=True).select_option("crossing_up")
    entry = page.locator("#panel-alerts .entry")
    begun = len(scene.film.frames)
    deadline = time.monotonic() + PATIENCE
    while not entry.count():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the price did not cross the rule within {PATIENCE} s; try again")
        scene.watch(1)
    scene.film.thin(begun, 16)
    for _ in range(4):
        scene.shoot(350)
    scene.press("Price crosses upward")
    page.locator(".focus-line").wait_for()
    scene.shoot(3000)


def record(system: System, film: Animation) -> None:
    """Record the whole scene on a running system into `film`."""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        context = browser.new_context(
            viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="dark"
        )
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.add_init_script(f"localStorage.setItem('ticktape.token', '{system.token}')")
        polls_every(page, system, 0.7)
        page.goto(system.page)
        wait_for_chart(page)
        page.get_by_role("tab", name=re.compile("Rules")).wait_for(timeout=1000 * PATIENCE)
        scene = Scene(page, film)
        scene.watch(6)
        set_rule(scene)
        scene.press("^Fired", "tab")
        wait_for_alert(scene)
        browser.close()


def main() -> None:
    """Record the page and write the animation."""
    parser = argparse.ArgumentParser(prog="python -m tools.record_page", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="file to write, .webp")
    parser.add_argument("--stills", type=Path, help="folder for the frames as PNG")
    given = parser.parse_args()
    film = Animation()
    with running_system("--interval", "2") as system:
        record(system, film)
    if given.stills:
        film.save_stills(given.stills)
    size = film.save(given.out)
    print(f"{given.out}: {len(film.frames)} frames, {film.seconds:.0f} s, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
