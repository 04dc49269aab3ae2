"""The contract of AlertStore."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.errors import Contended
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
    alert = make_alert(symbol=symbol, quiet="old")
    alerts.record(alert)
    assert only(alerts, symbol) == StoredAlert(alert, None)


def test_recording_again_changes_nothing(alerts: AlertStore, symbol: str) -> None:
    alerts.record(make_alert(symbol=symbol))
    alerts.record(make_alert(symbol=symbol, message="another"))
    assert only(alerts, symbol).alert.message == make_alert().message


def test_several_are_recorded_together_and_none_that_is_there_is_changed(
    alerts: AlertStore, symbol: str
) -> None:
    many = [make_alert(symbol=symbol, rule_id=f"r{number:02}", quiet="old") for number in range(30)]
    alerts.record(make_alert(symbol=symbol, rule_id="r07", message="another"))
    assert alerts.claim(make_alert(symbol=symbol, rule_id="r08"), "me", at(0), at(20))
    alerts.mark_sent(make_alert(symbol=symbol, rule_id="r08"), at(1))
    alerts.record_all([*many, many[3]])
    alerts.record_all(many[:1])
    alerts.record_all([])
    rows = alerts.by_symbol(symbol, None, None, limit=100).rows
    assert [row.alert.rule_id for row in rows] == [alert.rule_id for alert in many]
    assert (rows[7].alert.message, rows[8].notified_at) == ("another", at(1))
    assert [rows[number].alert for number in (0, 3, 29)] == [many[number] for number in (0, 3, 29)]


def test_a_claim_records_the_alert(alerts: AlertStore, symbol: str) -> None:
    alert = make_alert(symbol=symbol)
    assert alerts.claim(alert, "me", at(0), at(20))
    assert only(alerts, symbol) == StoredAlert(alert, None)


def test_an_alert_recorded_before_can_be_claimed(alerts: AlertStore, symbol: str) -> None:
    alert = make_alert(symbol=symbol)
    alerts.record(alert)
    assert alerts.claim(alert, "me", at(0), at(20))


def test_one_at_a_time_may_send(alerts: AlertStore, symbol: str) -> None:
    alert = make_alert(symbol=symbol)
    assert alerts.claim(alert, "me", at(0), at(20))
    with pytest.raises(Contended):
        alerts.claim(alert, "another", at(20), at(40))
    assert alerts.claim(alert, "me", at(1), at(21))
    assert alerts.claim(alert, "another", at(22), at(42))
    with pytest.raises(Contended):
        alerts.claim(alert, "me", at(23), at(43))


def test_sent_alerts_are_not_claimed(alerts: AlertStore, symbol: str) -> None:
    alert = make_alert(symbol=symbol)
    alerts.claim(alert, "me", at(0), at(20))
    alerts.mark_sent(alert, at(1))
    assert only(alerts, symbol).notified_at == at(1)
    assert not alerts.claim(alert, "me", at(2), at(22))
    assert not alerts.claim(alert, "another", at(50), at(70))


def test_an_alert_is_settled_once_it_is_sent_or_recorded_quietly(
    alerts: AlertStore, symbol: str
) -> None:
    loud, quiet = make_alert(symbol=symbol), make_alert(1, symbol=symbol, quiet="old")
    assert not alerts.is_settled(loud)
    assert not alerts.is_settled(quiet)
    alerts.record(quiet)
    alerts.claim(loud, "me", at(0), at(20))
    assert alerts.is_settled(quiet)
    assert not alerts.is_settled(loud)
    alerts.mark_sent(loud, at(1))
    assert alerts.is_settled(loud)


def test_a_released_claim_is_free(alerts: AlertStore, symbol: str) -> None:
    alert = make_alert(symbol=symbol)
    alerts.claim(alert, "me", at(0), at(20))
    alerts.release(alert, "another")
    with pytest.raises(Contended):
        alerts.claim(alert, "another", at(1), at(21))
    alerts.release(alert, "me")
    assert alerts.claim(alert, "another", at(1), at(21))


def test_a_symbols_alerts_are_ordered_by_the_ticks_time(alerts: AlertStore, symbol: str) -> None:
    given = [make_alert(s, rule, symbol=symbol) for s in (2, 0, 1) for rule in ("b", "a")]
    for alert in given:
        alerts.record(alert)
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
    for alert in given:
        alerts.record(alert)
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
    for alert in given:
        alerts.record(alert)
    alerts.record(make_alert(symbol=symbol))
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
            alerts.record(make_alert(symbol=f"{symbol}.{name}", timestamp=instant))
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


def test_marking_an_alert_that_is_gone_leaves_nothing_behind(
    alerts: AlertStore, symbol: str
) -> None:
    """Its symbol was forgotten while the message went out."""
    alerts.mark_sent(make_alert(symbol=symbol), at(3))
    assert alerts.by_symbol(symbol, None, None, limit=10).rows == ()
