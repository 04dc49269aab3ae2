"""How far deliveries are behind, as GET /health shows it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.channels import with_topic
from chalicelib.domain.deliveries import Delivery, DeliveryStatus
from chalicelib.services.delivery.lag import deliver_lag
from chalicelib.services.priced import PricedRecord
from tests.factories import NEVER, at, instant, make_alert, make_tick
from tests.fakes import fake_stores

NOW = 3600


def lag(stores: Any, now: float = NOW, *, enabled: bool = True) -> int:
    topic = with_topic(())[0]
    channels = [msgspec.structs.replace(topic, enabled=enabled)]
    return deliver_lag(stores.alerts, stores.prices, channels, instant(now))


def keep(stores: Any, seconds: float, *deliveries: Delivery, **fields: Any) -> None:
    """Store an alert, with the price that it is on, which arrived two seconds later."""
    alert = make_alert(timestamp=at(seconds), **fields)
    stores.alerts.record_all([alert], None)
    key = alert.symbol, f"{alert.timestamp}#{alert.rule_id}"
    assert key in stores.alerts.stored
    stores.alerts.stored[key] = StoredAlert(alert, deliveries=deliveries)
    tick = make_tick(1, seconds, symbol=alert.symbol)
    stores.prices.write([PricedRecord((tick,), at(seconds + 2))], NEVER)


def delivery(status: DeliveryStatus, until: str = "") -> Delivery:
    return Delivery(channel="sns", status=status, attempts=1, at=at(0), until=until)


def test_nothing_is_behind_without_alerts() -> None:
    assert lag(fake_stores()) == 0


def test_the_oldest_alert_without_an_attempt_counts_from_the_arrival_of_its_price() -> None:
    stores: Any = fake_stores()
    for symbol, seconds in (("A", 3000), ("B", 2000), ("C", 3500)):
        keep(stores, seconds, symbol=symbol)
    assert lag(stores) == NOW - 2002


@pytest.mark.parametrize(
    ("deliveries", "fields"),
    [
        ([delivery("sent")], {}),
        ([delivery("dead")], {}),
        ([delivery("held", at(9000))], {}),
        ([delivery("waiting", at(NOW + 60))], {}),
        ([], {"quiet": "backfill"}),
    ],
)
def test_deliveries_that_are_done_or_not_due_are_not_behind(
    deliveries: list[Delivery], fields: dict[str, Any]
) -> None:
    stores: Any = fake_stores()
    keep(stores, 3000, *deliveries, **fields)
    assert lag(stores) == 0


@pytest.mark.parametrize("status", ["waiting", "sending"])
def test_a_further_attempt_that_was_due_counts_from_then(status: DeliveryStatus) -> None:
    stores: Any = fake_stores()
    keep(stores, 100, delivery(status, at(NOW - 90)))
    assert lag(stores) == 90


def test_alerts_that_no_channel_gets_are_not_behind() -> None:
    stores: Any = fake_stores()
    keep(stores, 3000)
    assert lag(stores, enabled=False) == 0


def test_alerts_from_before_a_channel_was_switched_on_are_not_behind_once_a_later_one_came() -> (
    None
):
    stores: Any = fake_stores()
    keep(stores, 1000, symbol="A")
    keep(stores, 1000, symbol="B")
    keep(stores, 3000, delivery("sent"), symbol="A")
    assert lag(stores) == NOW - 1002, "of B nothing later is known"
    keep(stores, 3000, delivery("sent"), symbol="B")
    assert lag(stores) == 0


def test_alerts_that_arrived_too_long_ago_to_be_in_the_stream_are_not_behind() -> None:
    stores: Any = fake_stores()
    keep(stores, 0)
    assert lag(stores, 6 * 3600 - 60) == 6 * 3600 - 62
    assert lag(stores, 6 * 3600 + 60) == 0
