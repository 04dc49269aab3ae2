"""The contract of DeliveryStore, and alerts that an earlier version left unsent."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from chalicelib.adapters.deliveries import Deliveries, deliveries_of, encoded
from chalicelib.adapters.events import new_alerts
from chalicelib.bootstrap import Services
from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import Delivery, claim, ended
from chalicelib.services.delivery.stores import DeliveryStore
from chalicelib.services.stores import AlertStore
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import at, make_alert
from tests.fake_delivery import FakeDeliveries


class Kept(NamedTuple):
    """An alert that is stored, in each kind of store."""

    store: DeliveryStore
    alert: Alert

    def found(self) -> StoredAlert:
        found = self.store.find(self.alert.symbol, self.alert.timestamp, self.alert.rule_id)
        assert isinstance(found, StoredAlert)
        return found


@pytest.fixture(params=["fakes", "memory", "emulator"])
def kept(request: pytest.FixtureRequest, symbol: str) -> Kept:
    alert = make_alert(symbol=symbol)
    if request.param == "fakes":
        fake = FakeDeliveries()
        fake.put(StoredAlert(alert))
        return Kept(fake, alert)
    if request.param == "memory":
        settings, clients = SETTINGS, Aws()
    else:
        settings = request.getfixturevalue("emulated_settings")
        clients = request.getfixturevalue("emulated").clients
    Services(settings, clients=clients).stores.alerts.record_all([alert], None)
    return Kept(Deliveries(clients.dynamodb, settings.alerts_table), alert)


def test_one_of_two_that_saw_the_same_has_the_claim(kept: Kept) -> None:
    mine, theirs = claim(None, "sns", at(0), at(20)), claim(None, "sns", at(1), at(21))
    assert kept.store.replace(kept.alert, None, mine)
    assert not kept.store.replace(kept.alert, None, theirs)
    assert kept.found().deliveries == (mine,)
    later = claim(mine, "sns", at(30), at(50))
    assert kept.store.replace(kept.alert, mine, later)
    assert not kept.store.replace(kept.alert, mine, ended(mine, "sent", at(31)))
    assert kept.found() == StoredAlert(kept.alert, deliveries=(later,))


def test_channels_have_deliveries_of_their_own_and_the_first_sent_dates_the_alert(
    kept: Kept,
) -> None:
    hook, sns = claim(None, "hook", at(0), at(20)), claim(None, "sns", at(0), at(20))
    for claimed in (hook, sns):
        assert kept.store.replace(kept.alert, None, claimed)
    failed = Delivery(
        channel="hook", status="waiting", attempts=1, at=at(1), error="503", until=at(6)
    )
    assert kept.store.replace(kept.alert, hook, failed)
    assert kept.found().notified_at is None
    sent = ended(sns, "sent", at(2))
    assert kept.store.replace(kept.alert, sns, sent)
    again = claim(failed, "hook", at(6), at(26))
    assert kept.store.replace(kept.alert, failed, again)
    late = ended(again, "sent", at(7))
    assert kept.store.replace(kept.alert, again, late)
    assert kept.found() == StoredAlert(kept.alert, at(2), deliveries=(late, sent))


def test_an_alert_that_is_gone_stays_gone(kept: Kept) -> None:
    gone = make_alert(symbol=f"{kept.alert.symbol}.X")
    assert not kept.store.replace(gone, None, claim(None, "sns", at(0), at(20)))
    assert kept.store.find(gone.symbol, gone.timestamp, gone.rule_id) is None


class Older(NamedTuple):
    """The table as an earlier version left it."""

    aws: Aws
    alerts: AlertStore
    store: DeliveryStore

    def put(self, alert: Alert, **attributes: str) -> None:
        """An alert, as recorded, claimed or marked by that version."""
        self.alerts.record_all([alert], None)
        key = alert.symbol, f"{alert.timestamp}#{alert.rule_id}"
        item: Any = dict(self.aws.tables["alerts"].items[key])
        item.pop("outbox", None)
        self.aws.tables["alerts"].put(item | {k: {"S": v} for k, v in attributes.items()})
        self.aws.alert_stream.clear()

    def told(self) -> list[StoredAlert]:
        """What the stream has deliver send."""
        return [stored for _, stored in new_alerts({"Records": self.aws.alert_stream})]


@pytest.fixture
def older() -> Older:
    aws = Aws()
    alerts = Services(SETTINGS, clients=aws).stores.alerts
    return Older(aws, alerts, Deliveries(aws.dynamodb, "alerts"))


def test_an_alert_that_an_earlier_version_left_unsent_is_handed_over_once(older: Older) -> None:
    alert = make_alert()
    older.put(alert, claimed_by="the dead", claimed_until=at(28))
    for _ in range(2):
        older.alerts.record_pending([alert], "Asia/Tokyo")
    assert older.told() == [StoredAlert(alert, exchange_timezone="Asia/Tokyo")]
    assert not older.store.replace(alert, None, claim(None, "sns", at(20), at(38)))
    assert older.store.replace(alert, None, claim(None, "sns", at(29), at(47)))
    older.alerts.record_pending([alert], None)
    assert len(older.told()) == 1


@pytest.mark.parametrize("attributes", [{"notified_at": at(1)}, {"quiet": "old"}])
def test_alerts_that_an_earlier_version_sent_or_kept_quiet_are_not_handed_over(
    older: Older, attributes: dict[str, str]
) -> None:
    alert = make_alert(quiet=attributes.get("quiet", ""))
    older.put(alert, **attributes)
    older.alerts.record_pending([alert], None)
    assert older.told() == []


def test_an_earlier_version_that_sends_after_all_is_believed(older: Older) -> None:
    alert = make_alert()
    older.put(alert)
    older.alerts.record_pending([alert], None)
    (item,) = older.aws.tables["alerts"].items.values()
    older.aws.tables["alerts"].put({**item, "notified_at": {"S": at(1)}})
    assert not older.store.replace(alert, None, claim(None, "sns", at(20), at(38)))


def test_marks_and_quiet_alerts_are_no_news(older: Older) -> None:
    alert = make_alert()
    older.alerts.record_all([alert, make_alert(1, quiet="old")], None)
    claimed = claim(None, "sns", at(0), at(20))
    assert older.store.replace(alert, None, claimed)
    assert older.store.replace(alert, claimed, ended(claimed, "sent", at(1)))
    older.aws.tables["alerts"].remove((alert.symbol, f"{alert.timestamp}#{alert.rule_id}"))
    assert older.told() == [StoredAlert(alert)]


@pytest.mark.parametrize(
    "attribute", [{"S": "{}"}, {"S": "x"}, {"S": "[" * 100_000}, {"N": "1"}, {"NULL": True}]
)
def test_a_delivery_that_cannot_be_read_is_left_out(
    attribute: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    good = claim(None, "sns", at(0), at(20))
    item = {"delivery_desk": attribute, "delivery_sns": {"S": encoded(good)}}
    assert deliveries_of(item) == (good,)
    assert "delivery_desk of an alert cannot be read" in caplog.text


@pytest.mark.parametrize(
    "times", [{"until": "0"}, {"at": "soon"}, {"until": "2026-01-02T03:04:05Z"}]
)
def test_a_delivery_with_another_time_than_is_stored_is_left_out(times: dict[str, str]) -> None:
    """A given data folder may have one; GET /health computes with the times."""
    written = {"channel": "sns", "status": "waiting", "attempts": 1, "at": at(0), **times}
    assert deliveries_of({"delivery_sns": {"S": json.dumps(written)}}) == ()
