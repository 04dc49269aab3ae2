"""The story of an alert: what fired, its deliveries, and what its rule judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from rigs.chart_reading import trace_names, wait_for_chart, wait_for_trace
from rigs.stand_in import StandIn
from tests.browser.conftest import Call, OpenPage
from tests.browser.npm_tools import npm_file
from tests.browser.test_layout import audit

WAITING = {
    "channel": "sns",
    "status": "waiting",
    "attempts": 2,
    "seconds": 5.5,
    "error": "the server answered 503",
    "next_attempt_at": "2026-11-20T15:30:09.000000Z",
}
SENT = WAITING | {"status": "sent", "seconds": 0.812, "error": None, "next_attempt_at": None}
NEXT = "waiting, next attempt at 15:30:09 (attempt 2): the server answered 503"
MARK = """() => {
  const plot = document.querySelector('#plot');
  const { x, y } = plot.data.find(({ name }) => name === 'alert');
  const { xaxis, yaxis } = plot._fullLayout;
  const { left, top } = plot.getBoundingClientRect();
  return [left + xaxis._offset + xaxis.d2p(x.at(-1)), top + yaxis._offset + yaxis.d2p(y.at(-1))];
}"""


def _alert(**fields: Any) -> dict[str, Any]:
    given = {"symbol": "ACME", "condition": "crossing_up", "time": 600_000, "price": 102}
    given |= {"interval": "tick", "values": {"value": 101}, "quiet": "", "notifiedAt": None}
    return given | {"id": "a1", "ruleId": "mine"} | fields


def _open_by_key(page: Page) -> None:
    entry = page.locator("#panel-alerts .entry")
    entry.focus()
    entry.press("Enter")
    expect(page.locator("#story-title")).to_be_focused()


def test_story_is_opened_by_key_or_mark_follows_its_deliveries_and_closes_on_escape(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules, world.deliveries = [], [WAITING]
    world.fire("ACME", "golden_cross", sma_5=2, sma_20=1)
    page = open_page(f"{world.page}/#symbol=ACME")
    wait_for_chart(page)
    _open_by_key(page)
    story = page.get_by_role("dialog", name="ACME · Golden cross 5/20")
    delivery = story.get_by_role("listitem")
    expect(delivery).to_have_text(f"SNS topic: {NEXT}")
    expect(page).to_have_url(re.compile(f"alert={'0' * 24}"))
    wait_for_trace(page, "signal")
    assert trace_names(page)[-4:] == ["average", "average", "judged", "signal"]
    world.deliveries = [SENT]
    expect(delivery).to_have_text("SNS topic: sent after 0.8 s (attempt 2)")
    page.keyboard.press("Escape")
    expect(story).to_be_hidden()
    expect(page.locator("#panel-alerts .entry")).to_be_focused()
    expect(page).not_to_have_url(re.compile("alert="))
    page.wait_for_function(
        "() => !document.querySelector('#plot').data.some(({ name }) => name === 'signal')"
    )
    page.mouse.click(*page.evaluate(MARK))
    expect(story).to_be_visible()


def test_link_to_an_alert_opens_a_sheet_on_a_narrow_page_and_says_if_it_was_deleted(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules, world.deliveries = [], [SENT, {"channel": "desk", "status": "odd", "attempts": 0}]
    world.fire("BOLT", "crossing_up", value=1)
    page = open_page(
        f"{world.page}/#alert={'0' * 24}", width=390, height=844, expect="status of 404"
    )
    story = page.get_by_role("dialog", name="BOLT · Price crosses upward")
    expect(story.get_by_role("listitem").last).to_have_text("desk: odd")
    expect(page.locator("#quote h1")).to_have_text("BOLT")
    wait_for_trace(page, "level")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert audit(page, npm_file("axe-core/axe.min.js").read_text()) == []
    page.evaluate("() => { location.hash = '#symbol=BOLT&alert=000000000000000000000009'; }")
    expect(page.locator("#story p")).to_have_text("This alert has been deleted.")
    page.get_by_role("button", name="Close the alert").click()
    expect(page.locator("#story")).to_be_hidden()


def test_story_that_cannot_be_loaded_says_so_and_opens_when_it_is_tried_again(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules, world.deliveries = [], [SENT]
    world.fire("ACME", "crossing_up", value=1)
    page = open_page(f"{world.page}/#symbol=ACME", expect="views/story.js")
    page.route("**/views/story.js", lambda route: route.abort())
    wait_for_chart(page)
    page.locator("#panel-alerts .entry").click()
    expect(page.locator(".chart-note")).to_contain_text("The alert could not be loaded. Try again.")
    expect(page).not_to_have_url(re.compile("alert="))
    page.unroute("**/views/story.js")
    page.locator("#panel-alerts .entry").click()
    expect(page.get_by_role("dialog", name="ACME · Price crosses upward")).to_be_visible()


@pytest.mark.parametrize(
    ("delivery", "said"),
    [
        (SENT, "sent after 0.8 s (attempt 2)"),
        (SENT | {"attempts": 1, "seconds": 900}, "sent after 15 min"),
        (WAITING, NEXT),
        (WAITING | {"status": "dead", "next_attempt_at": None, "error": "401"}, "failed"),
        ({"status": "sending", "attempts": 1, "seconds": 0.1, "error": None}, "sending"),
        (
            WAITING | {"status": "held", "attempts": 0, "error": None, "held_reason": "quiet"},
            "held until 15:30:09: quiet",
        ),
        ({"status": "parked", "attempts": 0, "error": "no stamps"}, "parked: no stamps"),
    ],
)
def test_status_of_a_delivery_is_told_in_words(
    call: Call, delivery: dict[str, Any], said: str
) -> None:
    told = call("data/story.js", "statusText", delivery, "UTC")
    assert told.startswith(said) if said == "failed" else told == said


def test_story_is_final_once_every_delivery_is_and_at_once_if_nothing_is_sent(call: Call) -> None:
    def is_final(alert: dict[str, Any], *deliveries: dict[str, Any]) -> Any:
        return call("data/story.js", "isFinal", alert, deliveries)

    assert is_final(_alert(), SENT, SENT | {"status": "dead"}) is True
    assert is_final(_alert(notifiedAt="2026"), SENT, WAITING) is False
    assert is_final(_alert()) is False
    assert is_final(_alert(quiet="record only")) is True


@pytest.mark.parametrize(
    ("condition", "values", "levels"),
    [
        ("crossing_up", {"value": 101, "sma_5": 100}, [101]),
        ("change_percent", {"value": 5, "previous_close": 200, "change_percent": -6}, [200, 190]),
        ("moving_percent", {"value": 1, "moved_percent": 2}, [100]),
        ("golden_cross", {"sma_2": 1, "sma_10": 1}, []),
    ],
)
def test_levels_are_the_prices_at_which_a_rule_decides(
    call: Call, condition: str, values: dict[str, float], levels: list[float]
) -> None:
    judged = call("data/story.js", "judgedOf", _alert(condition=condition, values=values), [])
    assert judged["levels"] == levels


def test_averages_are_those_of_the_prices_up_to_the_alert(call: Call) -> None:
    alert = _alert(condition="golden_cross", values={"sma_10": 1, "sma_2": 1})
    prices = [{"time": 600_001 - 1000 * i, "price": i} for i in range(40)]  # newest first
    judged = call("data/story.js", "judgedOf", alert, prices)
    assert len(judged["points"]) == 24
    assert judged["points"][-1] == {"time": 599_001, "price": 1}
    fast, slow = judged["averages"]
    assert (fast[-1], slow[-1]) == (1.5, 5.5)
    query = call("data/story.js", "judgedQuery", alert)
    assert (query["limit"], query["end"]) == (34, "1970-01-01T00:10:00.001Z")


def test_judged_prices_lie_within_their_bars_and_closes_at_the_end_of_theirs(call: Call) -> None:
    bars = [{"time": 60_000 * i, "open": 1, "high": 1, "low": 1, "close": 1} for i in range(1, 12)]
    series = {"symbol": "ACME", "interval": "1m", "first": 100, "bars": bars}
    ticks = [{"time": at, "price": 1} for at in (59_000, 90_000, 600_000)]
    judged = {"symbol": "ACME", "time": 600_000, "price": 1, "length": 0, "levels": [2]}
    judged |= {"points": ticks, "averages": []}
    level, points, signal = call("chart/judged.js", "judgedTraces", series, judged, {})
    assert points["x"] == [None, 100, 108.5]
    assert (signal["x"], level["y"]) == ([108.5], [2, 2])
    closes = judged | {"length": 300_000, "points": [{"time": 300_000, "price": 1}]}
    assert call("chart/judged.js", "judgedTraces", series, closes, {})[1]["x"] == [108]
    elsewhere = judged | {"symbol": "BOLT"}
    assert call("chart/judged.js", "judgedTraces", series, elsewhere, {}) == []
    assert call("chart/judged.js", "judgedRange", series, elsewhere) is None


def test_range_of_an_alert_has_bars_on_which_its_prices_are_told_apart(call: Call) -> None:
    day = 86_400_000

    def range_for(alert: dict[str, Any], series: Any = None) -> Any:
        return call("views/show_alert.js", "rangeFor", alert, series, 30 * day)

    fresh, old = _alert(time=30 * day - 60_000), _alert(time=10 * day)
    assert range_for(fresh) == {"range": "1D", "interval": "1m"}
    assert range_for(fresh | {"interval": "5m"}) == {"range": "1D", "interval": "auto"}
    assert range_for(old) == {
        "range": "custom",
        "start": "1970-01-10",
        "end": "1970-01-11",
        "interval": "auto",
    }
    drawn = {"symbol": "ACME", "interval": "1m", "bars": [{"time": 29 * day}]}
    assert range_for(fresh, drawn) == {}
    assert range_for(fresh, drawn | {"interval": "5m"}) == {"range": "1D", "interval": "1m"}


def test_a_story_is_not_asked_for_again_after_a_refusal(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules, world.poll_seconds = [], 60
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(status=413, body="{}", headers=headers)

    def prepare(page: Page) -> None:
        page.clock.install()
        page.route("**/alerts/0*", refuse)

    address = f"{world.page}/#symbol=ACME&alert={'0' * 24}"
    page = open_page(address, expect="status of 413", prepare=prepare)
    expect(page.locator("#story p")).to_have_text("HTTP 413")
    for _ in range(3):
        page.clock.run_for(3000)
        page.evaluate("() => fetch('/config.json')")  # what was asked for before has come
    assert len(asked) == 1


def test_a_damaged_link_that_mutes_has_no_button_and_any_mute_can_be_removed(
    world: StandIn, open_page: OpenPage
) -> None:
    odd = {"mute_id": "m1", "name": "", "symbol": "ACME", "rule_id": None, "recurring": None}
    answer = {"mutes": [odd | {"until": "z"}]}
    world.rules = []

    def prepare(page: Page) -> None:
        page.route("**/mutes", json_of(answer))

    page = open_page(f"{world.page}/#mute=AAAA", prepare=prepare)
    dialog = page.get_by_role("dialog", name="Mute alerts")
    expect(dialog).to_contain_text("This link is damaged.")
    assert dialog.get_by_role("button").all_inner_texts() == ["Close"]
    dialog.get_by_role("button").click()
    page.get_by_role("button", name="Mutes").click()
    row = page.get_by_role("dialog", name="Mutes").get_by_role("listitem")
    expect(row).to_contain_text("until an unknown time")
    expect(row.get_by_role("button", name="Remove: ")).to_be_visible()


def json_of(answer: object) -> Callable[[Route], None]:
    return lambda route: route.fulfill(json=answer, headers={"Access-Control-Allow-Origin": "*"})
