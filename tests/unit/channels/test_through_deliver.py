"""A channel from the API to a peer: made, tried, sent to by `deliver`, told in the receipt."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bench.aws_calls import AwsCalls
from chalicelib.adapters import events, sealed_channel
from chalicelib.adapters.sealing import Sealing
from chalicelib.bootstrap import Services, aws_channels
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.deliveries import Delivery
from chalicelib.domain.pictures.chart import draw
from chalicelib.domain.times import from_text
from chalicelib.services.delivery.testing import trial
from rigs.alert_peers import LOSE, Peer, Reply, ntfy, peer, webhook
from rigs.memory_aws.system import SETTINGS, Aws
from rigs.memory_aws.transport import Transport
from tests.factories import make_alert, make_bar
from tests.unit.channels.test_web_push import FCM, Browser

NOW_TEXT = "2026-11-20T16:00:00.000000Z"
NOW = from_text(NOW_TEXT)
SECRET = "a-secret-of-forty-characters-or-thereabouts"


class World:
    """The app's services over AWS in memory, with a policy that allows peers of the test."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.transport = Transport(self.aws)
        self.services = Services(SETTINGS, self.clock, self.transport)
        self._seen = 0

    def clock(self) -> datetime:
        return NOW

    def add(self, there: Peer, name: str = "phone", **fields: Any) -> str:
        """A webhook at a peer."""
        given = {"name": name, "kind": "webhook", "secret": SECRET, **fields}
        given["address"] = "https://hooks.example/"
        return self._put(given, Secrets(f"{there.url}/hook", SECRET))

    def add_ntfy(self, there: Peer, name: str, **fields: Any) -> str:
        """A topic of an ntfy server at a peer."""
        given = {"name": name, "kind": "apprise", "address": "ntfy://ntfy.example/a", **fields}
        return self._put(given, Secrets(f"ntfy://127.0.0.1:{there.port}/a"))

    def add_browser(self, there: Peer, name: str, browser: Browser) -> str:
        """A browser whose push service is a peer."""
        self.services.channels.push_key()
        given = {"name": name, "kind": "web_push", "subscription": browser.subscription(FCM)}
        return self._put(given, browser.secrets(f"{there.url}/push"))

    def _put(self, given: dict[str, Any], secrets: Secrets) -> str:
        """Put an address into the store that the check of addresses would refuse."""
        book = self.services.channels
        made = book.create(given)
        sealing = Sealing(self.aws.kms, SETTINGS.channels_key, SETTINGS.stage)
        sealed = sealing.seal(made.channel_id, secrets)
        table = book._store.table()
        changed = [
            msgspec.structs.replace(each, sealed=sealed)
            if each.channel_id == made.channel_id
            else each
            for each in table.entries
        ]
        assert book._store.write(table, tuple(changed))
        return made.channel_id

    def deliver(self) -> Any:
        """What the alerts table's stream has brought since the last time goes to `deliver`."""
        stream = self.aws.tables["alerts"].stream
        records, self._seen = stream[self._seen :], len(stream)
        alerts = events.new_alerts({"Records": records})
        return self.services.deliver.new(alerts, time.monotonic() + 60)

    def receipt(self, alert_id: str) -> dict[str, Delivery]:
        stored = self.services.stores.alerts.find(alert_id)
        assert stored is not None
        return {one.channel: one for one in stored.deliveries}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    init: Any = sealed_channel.SealedChannel.__init__
    monkeypatch.setattr(
        sealed_channel.SealedChannel,
        "__init__",
        lambda self, *given, **named: init(self, *given, lambda _: True, **named),
    )
    return World()


def test_a_test_alert_reaches_its_channel_alone_and_its_receipt_says_so(world: World) -> None:
    with peer(webhook(200)) as there, peer(webhook(200)) as other:
        channel_id = world.add(there)
        world.add(other, "other", default=True)
        alert = trial(world.services.channels.find(channel_id), NOW)
        world.services.stores.alerts.record_all([alert], "UTC")
        assert world.deliver().sent == 1
    (request,) = there.requests
    assert json.loads(request.body)["alert_id"] == alert.alert_id
    assert request.headers["Ticktape-Event"] == "test"
    assert (other.requests, world.aws.published) == ([], [])
    receipt = world.receipt(alert.alert_id)
    assert {name: one.status for name, one in receipt.items()} == {channel_id: "sent"}


def test_each_channel_has_its_own_receipt(world: World) -> None:
    with peer(webhook(200)) as good, peer(webhook(401)) as bad, peer(LOSE) as lost:
        named = {
            world.add(good, "good"): ("sent", ""),
            world.add(bad, "bad"): ("dead", "answered 401"),
            world.add(lost, "lost"): ("waiting", "the connection ended without an answer"),
        }
        alert = make_alert(channels=(*named, "sns"))
        world.services.stores.alerts.record_all([alert], "UTC")
        done = world.deliver()
    assert (done.sent, done.retried, done.dead) == (2, 1, 1)
    receipt = world.receipt(alert.alert_id)
    told = {name: (one.status, one.error) for name, one in receipt.items()}
    assert told == {**named, "sns": ("sent", "")}


def test_browsers_get_alerts_and_one_that_has_ended_no_more(world: World) -> None:
    browser = Browser()
    with peer(Reply(201)) as good, peer(Reply(410)) as gone:
        here = world.add_browser(good, "here", browser)
        named = (here, world.add_browser(gone, "gone", Browser()))
        alert = make_alert(channels=named)
        world.services.stores.alerts.record_all([alert], "UTC")
        assert (world.deliver().sent, len(gone.requests)) == (1, 1)
        receipt = world.receipt(alert.alert_id)
        assert [receipt[name].status for name in named] == ["sent", "dead"]
        assert "ended its subscription" in receipt[named[1]].error
    shown = browser.decrypted(good.requests[0].body)
    assert shown["title"] == alert.message
    assert shown["hash"] == f"#symbol={alert.symbol}&alert={alert.alert_id}"
    ended = world.services.channels.find(named[1])
    assert (ended.enabled, "answered 410" in ended.ended) == (False, True)
    read = aws_channels(SETTINGS, world.transport, world.clock)
    assert read.receivers(alert) == (here,)


def test_a_rule_that_names_no_channel_sends_to_the_default_ones(world: World) -> None:
    with peer(webhook(200)) as there, peer(webhook(200)) as other:
        world.add(there, "all", default=True)
        world.add(other, "some")
        world.services.stores.alerts.record_all([make_alert()], "UTC")
        world.deliver()
    assert (len(there.requests), other.requests, len(world.aws.published)) == (1, [], 1)


def test_channels_with_pictures_get_that_of_the_alerts_bars(world: World) -> None:
    bars = [make_bar(60 * n, 100 + n % 7) for n in range(90)]
    world.services.stores.bars.put_all(bars, NOW_TEXT)
    calls = AwsCalls([world.transport.dynamodb])
    with peer(ntfy(200)) as first, peer(ntfy(200)) as second, peer(ntfy(200)) as plain:
        named = (
            world.add_ntfy(first, "first"),
            world.add_ntfy(second, "second"),
            world.add_ntfy(plain, "plain", picture=False),
        )
        alert = make_alert(90 * 60 + 5, channels=named)
        world.services.stores.alerts.record_all([alert], "America/New_York")
        assert world.deliver().sent == 3
    assert first.requests[0].body == draw(bars, alert, ZoneInfo("America/New_York"))
    assert second.requests[0].body == first.requests[0].body
    assert "AAPL crossed above" in json.loads(plain.requests[0].body)["title"]
    assert calls.by_operation["Query"].calls == 1


def test_an_alert_to_the_topic_alone_is_claimed_and_marked_and_reads_no_bars(world: World) -> None:
    world.services.stores.alerts.record_all([make_alert()], "UTC")
    calls = AwsCalls([world.transport.dynamodb])
    assert world.deliver().sent == 1
    assert {name: each.calls for name, each in calls.by_operation.items()} == {
        "BatchGetItem": 1,
        "UpdateItem": 2,
    }


def test_without_a_policy_of_tests_the_services_refuse_loopback() -> None:
    world = World()
    with peer(webhook(200)) as there:
        channel_id = world.add(there)
        alert = make_alert(channels=(channel_id,))
        world.services.stores.alerts.record_all([alert], "UTC")
        assert world.deliver().dead == 1
    assert there.requests == []
    assert "not on the public internet" in world.receipt(alert.alert_id)[channel_id].error
