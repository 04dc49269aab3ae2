"""The contract of AlertStore."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.domain.alerts import StoredAlert
from chalicelib.services.stores import AlertStore, Stores
from tests.factories import at, make_alert

_days = itertools.count()


@pytest.fixture
def alerts(stores: Stores) -> AlertStore:
    return stores.alerts


@pytest.fixture
def day() -> str:
    """A day on which no other test has alerts."""
    return f"2{next(_days):03}-01-01"


def only(alerts: AlertStore, symbol: str) -> StoredAlert:
    (stored,) = alerts.by_symbol(symbol, None, None, limit=10).rows
    return stored


def test_an_alert_comes_back_as_it_was_recorded(alerts: AlertStore, symbol: str) -> None:
    alert = make_alert(symbol=symbol, quiet="old", severity="urgent")
    alerts.record_all([alert], None)
    assert only(alerts, symbol) == StoredAlert(alert)


def test_an_alert_keeps_its_exchanges_time_zone(alerts: AlertStore, symbol: str) -> None:
    alert = make_alert(symbol=symbol)
    alerts.record_all([alert], "Asia/Tokyo")
    assert only(alerts, symbol) == StoredAlert(alert, exchange_timezone="Asia/Tokyo")


def test_an_alert_is_found_by_its_id(alerts: AlertStore, symbol: str) -> None:
    given = [make_alert(number, symbol=symbol) for number in range(3)]
    alerts.record_all(given, None)
    found = alerts.find(given[1].alert_id)
    assert found is not None
    assert found.alert == given[1]
    assert alerts.find(make_alert(9, symbol=symbol).alert_id) is None


def test_recording_again_changes_nothing(alerts: AlertStore, symbol: str) -> None:
    alerts.record_all([make_alert(symbol=symbol)], None)
    alerts.record_all([make_alert(symbol=symbol, message="another")], None)
    alerts.record_pending([make_alert(symbol=symbol, message="another")], None)
    assert only(alerts, symbol).alert.message == make_alert().message


def test_several_are_recorded_together_and_none_that_is_there_is_changed(
    alerts: AlertStore, symbol: str
) -> None:
    many = [make_alert(symbol=symbol, rule_id=f"r{number:02}") for number in range(30)]
    alerts.record_all([make_alert(symbol=symbol, rule_id="r07", message="another")], None)
    alerts.record_all([*many, many[3]], None)
    alerts.record_all(many[:1], None)
    alerts.record_all([], None)
    rows = alerts.by_symbol(symbol, None, None, limit=100).rows
    assert [row.alert.rule_id for row in rows] == [alert.rule_id for alert in many]
    assert rows[7].alert.message == "another"
    assert [rows[number].alert for number in (0, 3, 29)] == [many[number] for number in (0, 3, 29)]


def test_pending_alerts_are_recorded_unless_they_are_there(alerts: AlertStore, symbol: str) -> None:
    many = [make_alert(symbol=symbol, rule_id=f"r{number}") for number in range(3)]
    alerts.record_all(many[:1], "Asia/Tokyo")
    alerts.record_pending(many, "Asia/Tokyo")
    alerts.record_pending([], None)
    rows = alerts.by_symbol(symbol, None, None, limit=100).rows
    assert [row.alert for row in rows] == many


def test_a_symbols_alerts_are_ordered_by_the_ticks_time(alerts: AlertStore, symbol: str) -> None:
    given = [make_alert(s, rule, symbol=symbol) for s in (2, 0, 1) for rule in ("b", "a")]
    alerts.record_all(given, None)
    page = alerts.by_symbol(symbol, None, None, limit=10)
    expected = sorted(given, key=lambda alert: (alert.timestamp, alert.rule_id))
    assert [stored.alert for stored in page.rows] == expected
    part = alerts.by_symbol(symbol, at(1), at(2), limit=10)
    assert [stored.alert for stored in part.rows] == expected[2:4]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_of_a_symbol_join(
    alerts: AlertStore, symbol: str, limit: int, descending: bool
) -> None:
    given = [make_alert(n, symbol=symbol) for n in range(9)]
    alerts.record_all(given, None)
    found = []
    after: str | None = None
    while True:
        page = alerts.by_symbol(
            symbol, None, None, limit=limit, descending=descending, after_key=after
        )
        found += [stored.alert for stored in page.rows]
        assert len(page.rows) <= limit
        after = page.next_key
        if after is None:
            break
    assert found == (given[::-1] if descending else given)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_days_alerts_of_all_symbols_join(
    alerts: AlertStore, symbol: str, day: str, limit: int, descending: bool
) -> None:
    given = [
        make_alert(symbol=f"{symbol}.{name}", timestamp=f"{day}T00:00:0{second}.000000Z")
        for second in range(3)
        for name in ("A", "B")
    ]
    alerts.record_all(given, None)
    alerts.record_all([make_alert(symbol=symbol)], None)
    found = []
    after: str | None = None
    while True:
        page = alerts.by_day(day, None, None, limit=limit, descending=descending, after_key=after)
        found += [stored.alert for stored in page.rows]
        after = page.next_key
        if after is None:
            break
    assert found == (given[::-1] if descending else given)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 50])
def test_a_days_alerts_are_those_of_a_range(
    alerts: AlertStore, symbol: str, day: str, limit: int, descending: bool
) -> None:
    instants = [f"{day}T00:00:0{second}.000000Z" for second in range(5)]
    for instant in instants:
        for name in ("A", "B"):
            alerts.record_all([make_alert(symbol=f"{symbol}.{name}", timestamp=instant)], None)
    found = []
    after: str | None = None
    while True:
        page = alerts.by_day(
            day, instants[1], instants[3], limit=limit, descending=descending, after_key=after
        )
        found += [stored.alert.timestamp for stored in page.rows]
        after = page.next_key
        if after is None:
            break
    wanted = [instants[1], instants[1], instants[2], instants[2]]
    assert found == (wanted[::-1] if descending else wanted)
