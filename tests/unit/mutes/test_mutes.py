"""What mutes say of an alert, and what clients may ask for."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain.alerts import Alert
from chalicelib.domain.errors import MuteError
from chalicelib.domain.holding import Held
from chalicelib.domain.mutes import (
    MAX_DAYS,
    Mute,
    held_by,
    in_force,
    next_open,
    parse_mute,
    still_needed,
)
from chalicelib.domain.quiet_hours import DAYS, Day, QuietHours, never_end
from chalicelib.domain.times import to_text
from tests.factories import make_alert

NOW = datetime(2026, 11, 20, 16, tzinfo=UTC)  # a Friday
HOUR = timedelta(hours=1)
OPEN = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
ALL_FRIDAY = QuietHours(days=("fri",), start="00:00", end="00:00", time_zone="UTC")


def make(mute_id: str = "m", hours: float = 1, **fields: Any) -> Mute:
    return Mute(mute_id=mute_id, until=to_text(NOW + hours * HOUR), **fields)


def muted(mutes: list[Mute], alert: Alert, now: datetime) -> Held | None:
    return held_by(in_force(mutes, now), alert)


def why(*mutes: Mute, **alert: Any) -> str:
    found = muted([*mutes], make_alert(**alert), NOW)
    return found.reason if found else ""


def test_a_mute_of_a_symbol_holds_its_alerts_alone() -> None:
    mute = make(symbol="AAPL")
    assert why(mute) == "muted until 2026-11-20T17:00:00.000000Z: AAPL"
    assert why(mute, symbol="MSFT") == ""


def test_a_mute_of_a_rule_holds_its_alerts_of_every_symbol() -> None:
    mute = make(rule_id="r1")
    assert why(mute, symbol="MSFT") == "muted until 2026-11-20T17:00:00.000000Z: the rule r1"
    assert why(mute, rule_id="r2") == ""


def test_a_mute_without_either_holds_everything() -> None:
    assert why(make()) == "muted until 2026-11-20T17:00:00.000000Z: everything"


def test_an_urgent_alert_is_muted_by_its_very_rule_only() -> None:
    assert why(make(), make(symbol="AAPL"), severity="urgent") == ""
    assert "the rule r1" in why(make(rule_id="r1"), severity="urgent")


def test_a_mute_ends_at_its_end() -> None:
    mute = make(hours=0)
    assert why(mute) == ""
    assert still_needed([mute, make(hours=1)], NOW) == [make(hours=1)]


def test_the_mute_that_ends_last_says_until_when() -> None:
    assert "T19:00" in why(make("a"), make("b", 3, symbol="AAPL"), make("c", 2))


def test_a_recurring_mute_holds_on_its_days() -> None:
    mute = Mute(mute_id="m", recurring=ALL_FRIDAY)
    found = muted([mute], make_alert(), NOW)
    assert found is not None
    assert found.until == datetime(2026, 11, 21, tzinfo=UTC)
    assert muted([mute], make_alert(), NOW + timedelta(days=1)) is None
    assert still_needed([mute], NOW + timedelta(days=999)) == [mute]


def test_a_test_alert_passes_every_mute() -> None:
    assert why(make(), make(rule_id="r1"), make(symbol="AAPL"), condition="test") == ""


@given(
    st.sets(st.sampled_from(DAYS), min_size=1),
    st.times(),
    st.times(),
    st.integers(0, 60 * 24 * 366),
)
def test_a_recurring_mute_holds_until_its_end_over_changes_of_the_clocks(
    days: set[Day], start: time, end: time, minutes: int
) -> None:
    clocks = [clock.strftime("%H:%M") for clock in (start, end)]
    hours = QuietHours(
        days=tuple(sorted(days)), start=clocks[0], end=clocks[1], time_zone="America/New_York"
    )
    assume(not never_end((hours,)))
    mute = Mute(mute_id="m", recurring=hours)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    held = muted([mute], make_alert(), now)
    if held is not None:
        assert now < held.until <= now + timedelta(days=8)
        assert muted([mute], make_alert(), held.until) is None
        later = muted([mute], make_alert(), held.until - timedelta(seconds=1))
        assert later is not None
        assert later.until == held.until


@pytest.mark.parametrize(
    ("symbol", "zone", "now", "expected"),
    [
        ("AAPL", "America/New_York", "2026-11-20T16:00", "2026-11-23T14:30"),  # over a weekend
        ("AAPL", "America/New_York", "2026-11-20T14:29", "2026-11-20T14:30"),
        ("AAPL", None, "2026-11-25T22:00", "2026-11-27T14:30"),  # over Thanksgiving
        ("AAPL", None, "2026-03-06T22:00", "2026-03-09T13:30"),  # the clocks change
        ("SAP.DE", "Europe/Berlin", "2026-11-20T16:00", "2026-11-22T23:00"),  # Monday, midnight
        ("BTC-USD", None, "2026-11-20T16:00", "2026-11-21T00:00"),
    ],
)
def test_the_open_is_that_of_the_symbols_market(
    symbol: str, zone: str | None, now: str, expected: str
) -> None:
    asked, opens = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, expected))
    assert next_open(symbol, zone, asked) == opens


def parsed(**given: Any) -> Mute:
    return parse_mute(given, "m", NOW, lambda symbol: OPEN if symbol == "AAPL" else NOW + HOUR)


def test_the_open_is_resolved_when_the_mute_is_made() -> None:
    assert parsed(symbol="aapl", until="until_open").until == to_text(OPEN)
    everything = parsed(until="until_open", open_of="AAPL")
    assert (everything.symbol, everything.rule_id, everything.until) == (None, None, to_text(OPEN))
    assert parsed(rule_id="r1", until="until_open", open_of="AAPL").until == to_text(OPEN)


def test_a_time_is_taken_with_its_offset() -> None:
    made = parsed(until="2026-11-20T19:00:00+01:00", name="lunch")
    assert (made.until, made.name) == ("2026-11-20T18:00:00.000000Z", "lunch")
    assert made.created_at == to_text(NOW)


def test_a_recurring_mute_is_taken_with_its_days_in_order() -> None:
    hours = {"days": ["sun", "sat"], "start": "00:00", "end": "00:00", "time_zone": "Europe/Paris"}
    made = parsed(recurring=hours)
    assert made.until is None
    assert made.recurring is not None
    assert made.recurring.days == ("sat", "sun")


WEEKLY = {"days": ["sat"], "start": "00:00", "end": "12:00", "time_zone": "UTC"}
FAR = to_text(NOW + timedelta(days=MAX_DAYS, seconds=1))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "until"),
        ({"until": "until_open", "recurring": WEEKLY}, "until"),
        ({"until": to_text(NOW)}, "until"),
        ({"until": FAR}, "until"),
        ({"until": "tomorrow"}, "until"),
        ({"until": "2026-11-21"}, "until"),
        ({"until": 1_800_000_000}, "until"),
        ({"until": ["until_open"]}, "until"),
        ({"until": "until_open"}, "open_of"),
        ({"until": "until_open", "rule_id": "r1"}, "open_of"),
        ({"until": "until_open", "symbol": "AAPL", "open_of": "AAPL"}, "open_of"),
        ({"until": "2026-11-21T00:00:00Z", "open_of": "AAPL"}, "open_of"),
        ({"recurring": WEEKLY, "open_of": "AAPL"}, "open_of"),
        ({"until": "until_open", "open_of": "A B"}, "open_of"),
        ({"until": "until_open", "symbol": "*"}, "symbol"),
        ({"until": "until_open", "symbol": 1}, "symbol"),
        ({"until": "until_open", "symbol": "AAPL", "rule_id": "r1"}, "rule_id"),
        ({"until": "until_open", "rule_id": "a b"}, "rule_id"),
        ({"until": "until_open", "symbol": "AAPL", "name": "<b>"}, "name"),
        ({"until": "until_open", "symbol": "AAPL", "name": "x" * 65}, "name"),
        ({"until": "until_open", "symbol": "AAPL", "mute_id": "x"}, "mute_id"),
        ({"recurring": "weekends"}, "recurring"),
        ({"recurring": {**WEEKLY, "more": 1}}, "recurring"),
        ({"recurring": {**WEEKLY, "days": []}}, "recurring.days"),
        ({"recurring": {**WEEKLY, "days": ["Sat"]}}, "recurring.days"),
        ({"recurring": {**WEEKLY, "days": [["sat"]]}}, "recurring.days"),
        ({"recurring": {**WEEKLY, "start": "9:00"}}, "recurring.start"),
        ({"recurring": {**WEEKLY, "end": "24:00"}}, "recurring.end"),
        ({"recurring": {**WEEKLY, "end": 12}}, "recurring.end"),
        ({"recurring": {**WEEKLY, "time_zone": "Mars/Olympus"}}, "recurring.time_zone"),
        ({"recurring": {**WEEKLY, "time_zone": "../etc/passwd"}}, "recurring.time_zone"),
    ],
)
def test_a_mute_that_is_not_well_formed_names_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(MuteError) as refused:
        parsed(**fields)
    assert refused.value.field == field


def test_hours_that_never_end_are_refused() -> None:
    every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    with pytest.raises(MuteError, match="leave a part of the week"):
        parsed(recurring={"days": every, "start": "08:00", "end": "08:00", "time_zone": "UTC"})
