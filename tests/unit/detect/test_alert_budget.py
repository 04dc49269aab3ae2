"""The places that a container has for alerts in a minute."""

from __future__ import annotations

import pytest

from chalicelib.services.detect import alert_budget
from chalicelib.services.detect.alert_budget import MESSAGES, RECORDS, AlertBudget, Bound

NOON, LATER = "2026-11-20T12:00", "2026-11-20T12:01"


def kept(budget: AlertBudget, rule_id: str, times: int, minute: str = NOON) -> int:
    """Return how many of the alerts are recorded for good."""
    with budget.reserve() as room:
        found = sum(room.record(rule_id, minute) for _ in range(times))
        room.keep()
    return found


def budget_of(each: int, shared: int, own: int = 1) -> AlertBudget:
    return AlertBudget(records=Bound(own, each, shared))


def test_a_rule_has_a_limit_of_alerts_per_minute() -> None:
    budget = budget_of(each=3, shared=100)
    assert kept(budget, "loud", 5) == 3
    assert kept(budget, "loud", 5) == 0
    assert kept(budget, "other", 2) == 2
    assert kept(budget, "loud", 5, LATER) == 3


def test_the_first_alerts_of_a_rule_have_a_place_whatever_the_others_do() -> None:
    budget = budget_of(each=100, shared=4)
    assert kept(budget, "loud", 50) == 5
    assert [kept(budget, f"r{number}", 2) for number in range(3)] == [1, 1, 1]
    budget = budget_of(each=100, shared=4, own=3)
    assert [kept(budget, rule_id, 50) for rule_id in ("loud", "r0", "r1")] == [7, 3, 3]


def test_the_first_alert_of_a_symbol_has_a_place_whatever_other_symbols_do() -> None:
    budget = AlertBudget(records=Bound(1, 2, 9), firsts=Bound(0, 3, 4))
    assert kept(budget, "loud", 9) == 2
    with budget.reserve() as room:
        assert [room.record("loud", NOON, is_first=first) for first in (False, True)] == [
            False,
            True,
        ]
    with budget.reserve() as room:  # the place was given back
        assert [room.record("loud", NOON, is_first=True) for _ in range(4)] == [True] * 3 + [False]


def test_messages_and_records_have_places_of_their_own() -> None:
    budget = AlertBudget(messages=Bound(1, 1, 9), records=Bound(1, 9, 9))
    with budget.reserve() as room:
        assert [room.send("r", NOON) for _ in range(3)] == [True, False, False]
        assert all(room.record("r", NOON) for _ in range(3))


def test_unsaved_items_are_returned() -> None:
    budget = budget_of(each=3, shared=2)
    with budget.reserve() as room:
        assert [room.record("r", NOON) for _ in range(4)] == [True, True, True, False]
        assert [room.record("s", NOON) for _ in range(2)] == [True, False]
    assert (kept(budget, "s", 9), kept(budget, "r", 9)) == (3, 1)


def test_a_failure_releases_its_places() -> None:
    budget = budget_of(each=3, shared=2)

    def fails() -> None:
        with budget.reserve() as room:
            room.record("r", NOON)
            raise OSError("refused")

    with pytest.raises(OSError, match="refused"):
        fails()
    assert kept(budget, "r", 9) == 3


def test_the_minutes_used_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_budget, "MAX_MINUTES", 1)
    budget = budget_of(each=1, shared=0)
    minutes = [f"2026-11-20T12:0{number}" for number in range(4)]
    assert [kept(budget, "r", 2, minute) for minute in minutes] == [1, 1, 1, 1]
    assert kept(budget, "r", 2, minutes[3]) == 0
    with budget.reserve() as room:
        assert room.record("r", minutes[0])
        kept(budget, "r", 1, LATER)
        kept(budget, "r", 1, minutes[2])  # the minute of the reservation is forgotten meanwhile
    assert kept(budget, "r", 2, minutes[0]) == 1


def test_all_that_a_container_sends_takes_a_third_of_its_time() -> None:
    """A message takes 19 ms at 512 MB; 50 rules may be enabled for all symbols."""
    assert (MESSAGES.shared + 50) * 0.019 < 20
    assert MESSAGES.each <= RECORDS.each
    assert MESSAGES.shared <= RECORDS.shared
