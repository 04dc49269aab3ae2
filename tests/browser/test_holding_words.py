"""What a channel holds back, in words and out of the page's form; held alerts in the list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Call

MODULE = "data/holding.js"
NIGHTS: dict[str, Any] = {
    "days": ["fri", "mon"],
    "start": "22:00",
    "end": "07:00",
    "time_zone": "Europe/Berlin",
}
OFF: dict[str, Any] = {"limit": None, "digest": "as_it_happens", "quiet_hours": []}
FORM: dict[str, Any] = {
    "limited": True,
    "messages": "5",
    "minutes": "10",
    "digest": "at_close",
    "daily_at": "08:00",
    "time_zone": "Europe/Berlin",
    "quiet": [NIGHTS],
}


def test_fields_of_a_channel_are_said_in_words(call: Call) -> None:
    def text(**fields: Any) -> str:
        return str(call(MODULE, "holdingText", OFF | fields))

    assert call(MODULE, "holdingText", {}) == ""
    assert text() == ""
    limit = {"messages": 5, "minutes": 10}
    weekdays = NIGHTS | {"days": ["mon", "tue", "wed", "thu", "fri"]}
    assert text(limit=limit, digest="at_close", quiet_hours=[weekdays]) == (
        "at most 5 in 10 minutes; digest at the close; "
        "quiet 22:00 to 07:00 Europe/Berlin, Mon to Fri"
    )
    assert text(limit={"messages": 1, "minutes": 1}) == "at most 1 in 1 minute"
    assert text(digest="every_15_minutes") == "digest every 15 minutes"
    assert text(digest="until_open") == "outside trading hours, digest at the open"
    assert text(digest={"daily_at": "08:00", "time_zone": "UTC"}) == "digest daily at 08:00 UTC"
    assert text(digest="each_hour") == "digest each hour"  # of a later API
    whole = NIGHTS | {"days": ["sat", "sun"], "start": "00:00", "end": "00:00"}
    assert text(quiet_hours=[NIGHTS, whole]) == (
        "quiet 22:00 to 07:00 Europe/Berlin, Mon, Fri and"
        " 24 hours from 00:00 Europe/Berlin, Sat, Sun"
    )


@pytest.mark.parametrize(
    ("days", "text"),
    [
        ("mon tue wed thu fri sat sun", "every day"),
        ("mon tue wed sat", "Mon to Wed, Sat"),
        ("sun sat", "Sat, Sun"),
        ("fri", "Fri"),
    ],
)
def test_days_in_a_row_are_said_as_a_span(call: Call, days: str, text: str) -> None:
    assert call(MODULE, "daysText", days.split()) == text


def test_a_form_gives_the_fields_as_the_api_takes_them(call: Call) -> None:
    def given(**fields: Any) -> Any:
        return call(MODULE, "holdingOf", FORM | fields)

    limit = {"messages": 5, "minutes": 10}
    assert given() == {"limit": limit, "digest": "at_close", "quiet_hours": [NIGHTS]}
    daily = {"daily_at": "08:00", "time_zone": "Europe/Berlin"}
    assert given(digest="daily_at")["digest"] == daily
    off = given(limited=False, digest="as_it_happens", quiet=[])
    assert off == {"limit": None, "digest": None, "quiet_hours": None}


def test_a_change_has_only_the_fields_that_differ(call: Call) -> None:
    given = call(MODULE, "holdingOf", FORM)
    off = {"limit": None, "digest": None, "quiet_hours": None}
    assert call(MODULE, "changesOf", given, OFF) == given
    assert call(MODULE, "changesOf", given, given) == {}
    assert call(MODULE, "changesOf", off, OFF) == {}
    assert call(MODULE, "changesOf", off, {}) == {}
    assert call(MODULE, "changesOf", off, given | {"limit": None}) == {
        "digest": None,
        "quiet_hours": None,
    }


@pytest.mark.parametrize(
    ("field", "value", "window"),
    [
        ("quiet_hours", "[…]", -1),
        ("quiet_hours.time_zone", "Nowhere", 1),
        ("quiet_hours.days", "[]", 2),
        ("quiet_hours.start", "22:00", 0),
    ],
)
def test_a_refusal_is_shown_at_the_hours_that_it_means(
    call: Call, field: str, value: str, window: int
) -> None:
    windows = [NIGHTS, NIGHTS | {"time_zone": "Nowhere"}, NIGHTS | {"days": []}]
    refused = {"field": field, "value": value}
    assert call(MODULE, "refusedHours", refused, windows) == window


def test_a_held_alert_is_fetched_until_its_digest_has_come(call: Call) -> None:
    day = 86_400_000
    row = {"symbol": "ACME", "timestamp": "1970-01-03T00:00:00Z", "price": 1}
    until = {"channel": "sns", "until": "1970-01-12T00:00:00Z", "reason": "quiet hours"}
    held = call("data/wire.js", "decodeAlert", row | {"held": [until], "notified_at": None})
    assert held["held"] == [until | {"until": 11 * day}]
    sent = held | {"held": [], "time": day}
    assert call("data/conditions.js", "deliveryOf", held) == "held"
    assert call("data/conditions.js", "deliveryOf", held | {"notifiedAt": "…"}) == "delivered"
    assert call("data/conditions.js", "heldText", held) == "quiet hours"
    assert call("data/fired.js", "changingSince", [sent, held], 9 * day) == 2 * day
    assert call("data/fired.js", "changingSince", [sent], 9 * day) == 8 * day
