"""How complete a symbol's data is, in a dialog; and symbols that are silent."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from rigs.chart_reading import wait_for_chart
from rigs.running_system import SHOWN, System
from tests.browser.conftest import OpenPage
from tests.browser.npm_tools import npm_file
from tests.browser.test_layout import audit

MINUTE = "2026-11-20T{}:00.000000Z"
FOUND: dict[str, Any] = {
    "start": MINUTE.format("14:30"),
    "end": MINUTE.format("21:00"),
    "expected": 1950,
    "received": 1949,
    "filled": 5,
    "sessions": [
        {"date": f"2026-11-{day}", "expected": 390, "received": 390 - missing, "filled": 0}
        for day, missing in ((19, 0), (20, 1))
    ],
    "gaps": [
        {"start": MINUTE.format(f"15:{n:02}"), "minutes": 1 + n, "filled_by": "backfill"}
        for n in range(9)
    ]
    + [{"start": MINUTE.format("18:40"), "minutes": 1, "filled_by": None}],
    "jump_percent": 1,
    "jumps": [
        {
            "timestamp": MINUTE.format("18:42"),
            "previous_close": 189.84,
            "price": 185.1,
            "change_percent": -2.4968,
        }
    ],
    "delays": {"ticks": 1000, "p50": 0.410123, "p99": 1.6002},
}


def answering(payload: dict[str, Any]) -> Any:
    def answer(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": "*"}
        body = json.dumps(payload)
        route.fulfill(body=body, content_type="application/json", headers=headers)

    return answer


def silence(page: Page) -> None:
    page.route(
        "**/health", answering({"producer": None, "silent_symbols": 1, "silent": [SHOWN[1]]})
    )


def test_the_quality_of_the_open_symbol_is_told(system: System, open_page: OpenPage) -> None:
    url = f"{system.page}#symbol={SHOWN[0]}"
    page = open_page(
        url, width=390, height=844, scheme="light", prepare=silence, expect="Failed to load"
    )
    wait_for_chart(page)
    expect(page.locator("#status .silent")).to_have_text(f"{SHOWN[1]} silent")
    dialog = page.get_by_role("dialog", name=f"{SHOWN[0]}: data of the last 7 days")
    button = page.get_by_role("button", name="Quality")
    button.click()
    expect(dialog).to_contain_text(re.compile(r"Prices in [\d.]+% of [\d,]+ minutes of trading"))
    expect(dialog.get_by_role("row").nth(1)).to_be_visible()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()

    page.route("**/quality/*", answering(FOUND))
    button.click()
    expect(dialog).to_contain_text("Prices in 99.9% of 1,950 minutes of trading since Fri 20 Nov")
    expect(dialog).to_contain_text("History filled 5 minutes. Without prices: 1 minute.")
    expect(dialog).to_contain_text("arrived within 410 ms, 99% within 1.6 s")
    expect(dialog.get_by_role("row").nth(1)).to_have_text("Fri 20 Nov39038901")
    expect(dialog.get_by_role("heading", name="Gaps (10)")).to_be_visible()
    lines = dialog.get_by_role("listitem")
    expect(lines.first).to_contain_text(", 1 minute: missing")
    expect(lines.nth(8)).to_have_text("and 2 earlier")
    expect(lines.last).to_contain_text("189.84 to 185.10 (\u22122.50%)")
    assert audit(page, npm_file("axe-core/axe.min.js").read_text()) == []
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 390 - 24
    page.keyboard.press("Escape")

    page.route("**/quality/*", answering({**FOUND, "expected": None, "gaps": []}))
    button.click()
    expect(dialog).to_contain_text("The exchange's hours are not known. 1,949 minutes")
    page.keyboard.press("Escape")
    page.route("**/quality/*", lambda route: route.abort())
    button.click()
    expect(dialog).to_contain_text("The API does not answer.")
