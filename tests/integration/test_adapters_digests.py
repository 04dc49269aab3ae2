"""DigestStore over AWS in memory and over the embedded AWS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import pytest

from chalicelib.adapters.deliveries import Deliveries
from chalicelib.adapters.digests import CHUNK, Digests
from chalicelib.bootstrap import Services
from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import Delivery, claim, ended, held
from chalicelib.domain.digests import Digest, StoredDigest, member_of, opened
from chalicelib.domain.holding import Window
from chalicelib.services.delivery.stores import Refusals, ToHold
from chalicelib.services.stores import AlertStore
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import at, make_alert

MADE = Refusals(made=True, closed=False, alerts=frozenset(), contended=False)


class Kept(NamedTuple):
    """The stores, and a digest of a channel that no other test has."""

    digests: Digests
    deliveries: Deliveries
    alerts: AlertStore
    digest: Digest
    client: Any
    table: str

    def recorded(self, many: int) -> list[Alert]:
        symbol = self.digest.channel.upper()
        alerts = [make_alert(n, symbol=symbol) for n in range(many)]
        self.alerts.record_all(alerts, "America/New_York")
        return alerts

    def to_hold(self, alerts: Sequence[Alert]) -> list[ToHold]:
        delivery = held(self.digest.channel, at(0), self.digest.until, "why")
        stored = [StoredAlert(alert, exchange_timezone="America/New_York") for alert in alerts]
        return [ToHold(one, delivery, member_of(one, "why")) for one in stored]

    def head(self) -> StoredDigest | None:
        return self.alerts.digests([self.digest]).get(self.digest)

    def delivery_of(self, alert: Alert) -> Delivery | None:
        found = self.alerts.find(alert.alert_id)
        return found.on(self.digest.channel) if found else None

    def put(self, symbol: str, place: str, **attributes: object) -> None:
        """Put an item as another maker of the table could."""
        key = {"symbol": {"S": symbol}, "timestamp_rule": {"S": place}}
        self.client.put_item(TableName=self.table, Item=key | attributes)

    def timestamps(self) -> list[str]:
        return [one.timestamp for one in self.digests.members(self.digest)][::-1]


@pytest.fixture(params=["memory", "emulator"])
def kept(request: pytest.FixtureRequest, symbol: str) -> Kept:
    if request.param == "memory":
        settings, clients = SETTINGS, Aws(page_items=7)
    else:
        settings = request.getfixturevalue("emulated_settings")
        clients = request.getfixturevalue("emulated").clients
    return Kept(
        Digests(clients.dynamodb, settings.alerts_table),
        Deliveries(clients.dynamodb, settings.alerts_table),
        Services(settings, clients=clients).stores.alerts,
        Digest(symbol.lower(), at(900)),
        clients.dynamodb,
        settings.alerts_table,
    )


def test_a_full_chunk_of_alerts_joins_an_open_digest(kept: Kept) -> None:
    alerts = kept.recorded(CHUNK)
    assert kept.digests.open(kept.digest)
    assert not kept.digests.open(kept.digest)
    assert kept.digests.hold(kept.digest, kept.to_hold(alerts)) == MADE
    assert kept.timestamps() == [alert.timestamp for alert in alerts]
    told = kept.delivery_of(alerts[0])
    assert told == held(kept.digest.channel, at(0), at(900), "why")
    head = StoredDigest(kept.digest, True, (opened(kept.digest),), members=CHUNK)
    assert kept.head() == head


def test_an_alert_with_a_delivery_is_named_and_nothing_is_written(kept: Kept) -> None:
    alerts = kept.recorded(3)
    kept.digests.open(kept.digest)
    mine = claim(None, kept.digest.channel, at(0), at(18))
    assert kept.deliveries.replace(alerts[1], None, mine)
    refused = kept.digests.hold(kept.digest, kept.to_hold(alerts))
    assert refused == Refusals(made=False, closed=False, alerts=frozenset({1}), contended=False)
    assert kept.timestamps() == []
    assert kept.delivery_of(alerts[0]) is None
    assert kept.digests.hold(kept.digest, kept.to_hold([alerts[0], alerts[2]])) == MADE


@pytest.mark.parametrize("state", ["absent", "claimed", "empty"])
def test_no_alert_joins_a_digest_that_is_not_open(kept: Kept, state: str) -> None:
    alerts = kept.recorded(2)
    if state == "claimed":
        kept.digests.open(kept.digest)
        taken = claim(opened(kept.digest), kept.digest.channel, at(900), at(918))
        assert kept.deliveries.replace(kept.digest, opened(kept.digest), taken)
        sent = ended(taken, "sent", at(901))
        assert kept.deliveries.replace(kept.digest, taken, sent)
        assert kept.head() == StoredDigest(kept.digest, False, (sent,), at(901))
    elif state == "empty":
        assert kept.digests.close_empty(kept.digest, at(900))
        assert not kept.digests.open(kept.digest)
    refused = kept.digests.hold(kept.digest, kept.to_hold(alerts))
    assert (refused.made, refused.closed, refused.alerts) == (False, True, frozenset())
    assert kept.timestamps() == []
    assert kept.delivery_of(alerts[0]) is None


def test_a_head_is_found_by_its_key(kept: Kept) -> None:
    key = (kept.digest.symbol, kept.digest.timestamp, kept.digest.rule_id)
    assert kept.deliveries.find(*key) is None
    kept.digests.open(kept.digest)
    assert kept.deliveries.find(*key) == kept.head()


def test_a_window_is_written_by_the_one_that_read_it(kept: Kept) -> None:
    channel = kept.digest.channel
    none = kept.digests.window(channel)
    assert none.window is None
    first, second = Window(at(0), ("a",)), Window(at(0), ("a", "b"), over=True)
    assert kept.digests.count(channel, none, first)
    assert not kept.digests.count(channel, none, second)
    read = kept.digests.window(channel)
    assert read.window == first
    assert kept.digests.count(channel, read, second)
    assert not kept.digests.count(channel, read, second)
    assert kept.digests.window(channel).window == second


@pytest.mark.parametrize(
    "given",
    [{"S": '{"start":"z"}'}, {"S": "{"}, {"S": "[" * 5000}, {"N": "1"}, {"M": {}}],
    ids=["no instant", "no JSON", "nested", "a number", "a map"],
)
def test_a_window_that_cannot_be_read_counts_as_none_and_is_replaced(
    kept: Kept, given: dict[str, object]
) -> None:
    channel = kept.digest.channel
    kept.put(f"limit:{channel}", "#window", limit_window=given)
    read = kept.digests.window(channel)
    assert read.window is None
    assert kept.digests.count(channel, read, Window(at(0)))
    assert not kept.digests.count(channel, read, Window(at(1)))
    assert kept.digests.window(channel).window == Window(at(0))


def test_members_that_cannot_be_read_are_left_out(kept: Kept) -> None:
    alerts = kept.recorded(1)
    kept.digests.open(kept.digest)
    kept.digests.hold(kept.digest, kept.to_hold(alerts))
    undated = msgspec.structs.replace(member_of(StoredAlert(alerts[0]), "why"), timestamp="soon")
    texts = ["{", msgspec.json.encode(undated).decode()]
    for place, given in enumerate([{"N": "1"}, *({"S": each} for each in texts)]):
        kept.put(kept.digest.symbol, f"2035-{place}", member=given)
    assert kept.timestamps() == [alerts[0].timestamp]


def test_heads_and_members_are_not_listed_among_the_days_alerts(kept: Kept) -> None:
    alerts = kept.recorded(2)
    kept.digests.open(kept.digest)
    kept.digests.hold(kept.digest, kept.to_hold(alerts))
    rows = kept.alerts.by_day(at(0)[:10], None, None, limit=10_000).rows
    assert not [one for one in rows if ":" in one.alert.symbol]


def test_an_agenda_lists_its_digests_in_the_order_of_time(kept: Kept) -> None:
    agendas, channel = kept.digests.agendas, kept.digest.channel
    for seconds in (3600, 900, 7200, 900):
        agendas.enter(Digest(channel, at(seconds)))
    agendas.enter(Digest(f"{channel}2", at(900)))
    agendas.note_timer(channel, at(60))
    assert [one.until for one in agendas.waiting(channel)] == [at(900), at(3600), at(7200)]
    for _ in range(2):
        agendas.leave(Digest(channel, at(3600)))
    assert list(agendas.waiting(channel)) == [Digest(channel, at(900)), Digest(channel, at(7200))]


def test_a_timer_of_an_agenda_is_noted_with_the_latest_instant(kept: Kept) -> None:
    agendas, channel = kept.digests.agendas, kept.digest.channel
    noted = [agendas.timer_at(channel)]
    for seconds in (900, 1800, 1770, 7200, 1800):
        agendas.note_timer(channel, at(seconds))
        noted.append(agendas.timer_at(channel))
    assert noted == [None, at(900), at(1800), at(1800), at(7200), at(1800)], "one was far ahead"
