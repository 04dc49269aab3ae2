"""Browsers as channels: subscribed over the API, sent to by `deliver`, ended by push services."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.adapters import ended_channels
from chalicelib.adapters.channels import Channels
from chalicelib.adapters.directory_items import DirectoryItems
from chalicelib.adapters.ended_channels import EndedChannels
from chalicelib.adapters.push_keys import PushKeys, generated
from chalicelib.adapters.sealed_channel import SealedChannel
from chalicelib.adapters.sealing import Sealing
from chalicelib.bootstrap import push_contact
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.channels import StoredChannel, receivers
from chalicelib.domain.deliveries import Ended
from chalicelib.domain.messages import Message
from chalicelib.services.delivery.channel_book import ChannelBook
from chalicelib.services.delivery.push_key import PushKeyRing
from rigs.alert_peers import Reply, peer
from rigs.memory_aws.system import KMS, Aws
from tests.api_support import (
    Answer,
    Client,
    FakeServices,
    closed_client,  # noqa: F401 - a fixture
    closed_services,  # noqa: F401 - a fixture
    send,
)
from tests.unit.channels.conftest import NOW
from tests.unit.channels.test_web_push import FCM, Browser, unb64

SEALING = Sealing(KMS(), "alias/test", "test")


class World:
    """One in-memory AWS, with the API's book of channels and what `deliver` reads."""

    def __init__(self) -> None:
        dynamodb = self.dynamodb = Aws().dynamodb
        self.ended = EndedChannels(dynamodb, "alerts")
        self.store = Channels(dynamodb, "rules", self.ended)
        self.keys = PushKeyRing(PushKeys(dynamodb, "rules"), SEALING.seal, generated)
        self.book = ChannelBook(self.store, SEALING.seal, lambda: NOW, self.keys)
        self.items = DirectoryItems(dynamodb, "rules", lambda: NOW, self.ended)

    def add(self, name: str = "phone") -> StoredChannel:
        self.book.push_key()
        return self.book.create(given(name, default=True))

    def sender(self, channel: StoredChannel) -> SealedChannel:
        return SealedChannel(
            channel, SEALING, lambda _: True, contact="mailto:a@b.c", note_ended=self.ended.note
        )


def given(name: str = "phone", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "web_push",
        "subscription": Browser().subscription(FCM),
        **fields,
    }


def add(client: Client, **fields: Any) -> Answer:
    return send(client, "POST", "/channels", given(**fields))


def test_the_push_key_is_made_once_and_is_a_point_of_the_curve(client: Client) -> None:
    first = send(client, "POST", "/push-key")
    assert (first.status, list(first.json)) == (200, ["public_key"])
    point = unb64(first.json["public_key"])
    assert (len(point), point[0]) == (65, 4)
    assert send(client, "POST", "/push-key").json == first.json


def test_requests_that_make_the_push_key_at_once_get_the_same() -> None:
    world = World()
    late = PushKeyRing(world.keys._store, SEALING.seal, generated)
    others: list[str] = []

    def slow() -> Secrets:
        others.append(world.book.push_key())
        return generated()

    late._generate = slow
    assert late.ensure().public == others[0] == world.book.push_key()


def test_a_browser_is_added_and_its_subscription_never_shown(
    client: Client, services: FakeServices
) -> None:
    send(client, "POST", "/push-key")
    made = add(client)
    assert made.status == 201
    shown = ("kind", "service", "enabled", "picture", "ended")
    assert [made.json[name] for name in shown] == ["web_push", "Google push", True, False, None]
    assert set(made.json) == set(send(client, "GET", "/channels/sns").json)
    stored = services.channels.find(made.json["channel_id"])
    told = repr(stored) + made.body.decode() + send(client, "GET", "/channels").body.decode()
    for secret in ("fcm.googleapis", "p256dh", "auth"):
        assert secret not in told


def test_without_a_push_key_no_browser_is_added(client: Client) -> None:
    refused = add(client)
    assert refused.status == 409
    assert "POST /push-key" in refused.json["detail"]


def test_a_stage_without_a_key_of_its_own_has_no_push_key(
    client: Client, services: FakeServices
) -> None:
    keys = PushKeyRing(
        PushKeys(Aws().dynamodb, "rules"), Sealing(KMS(), "", "test").seal, generated
    )
    services.channels = ChannelBook(World().store, SEALING.seal, services.clock, keys)
    refused = send(client, "POST", "/push-key")
    assert refused.status == 409
    assert "own_key = true" in refused.json["detail"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"subscription": None}, "subscription"),
        ({"subscription": Browser().subscription("https://example.com/a")}, "subscription"),
        ({"subscription": "https://fcm.googleapis.com/a"}, "subscription"),
        ({"address": FCM}, "address"),
        ({"secret": "s" * 20}, "secret"),
        ({"picture": True}, "picture"),
        ({"kind": "webhook", "address": FCM, "secret": "s" * 20}, "subscription"),
    ],
)
def test_subscriptions_that_are_refused(client: Client, fields: dict[str, Any], field: str) -> None:
    send(client, "POST", "/push-key")
    refused = add(client, **fields)
    assert (refused.status, refused.json["field"]) == (400, field)
    assert "fcm/send" not in refused.body.decode()


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_the_browser_has_ended_switches_the_channel_off(
    status: int, message: Message
) -> None:
    world = World()
    made, other = world.add(), world.add("tablet")
    with peer(Reply(status)) as there:
        secrets = Browser().secrets(f"{there.url}/push")
        sealed = SEALING.seal(made.channel_id, secrets)
        at_peer = msgspec.structs.replace(made, sealed=sealed)
        world.store.write(world.store.table(), (at_peer, other))
        with pytest.raises(Ended):
            world.sender(at_peer).send(message)
    read = world.items.read()[0]
    assert receivers((), read) == ("sns", other.channel_id)
    found = world.book.find(made.channel_id)
    reason = f"the browser has ended its subscription (answered {status})"
    assert (found.enabled, found.ended) == (False, reason)
    assert world.book.find(other.channel_id).enabled


def ended(world: World) -> StoredChannel:
    made = world.add()
    world.ended.note(made, "gone")
    return world.book.find(made.channel_id)


def test_an_ended_channel_stays_so_until_it_has_a_new_subscription() -> None:
    world = World()
    before = ended(world)
    kept = world.book.replace(before.channel_id, {"name": "phone", "enabled": True})
    assert (kept.enabled, kept.ended) == (False, "gone")
    again = world.book.replace(before.channel_id, given())
    assert (again.enabled, again.ended) == (True, "")
    found = world.book.find(before.channel_id)
    assert (found.enabled, found.ended) == (True, "")


def test_that_a_channel_has_ended_is_told_again_if_it_could_not_be_noted(
    message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    made = world.add()
    failures = [OSError("no table")]

    def note(channel: StoredChannel, reason: str) -> None:
        if failures:
            raise failures.pop()
        world.ended.note(channel, reason)

    with peer(Reply(410)) as there:
        sealed = SEALING.seal(made.channel_id, Browser().secrets(there.url))
        at_peer = msgspec.structs.replace(made, sealed=sealed)
        world.store.write(world.store.table(), (at_peer,))
        channel = SealedChannel(at_peer, SEALING, lambda _: True, note_ended=note)
        for expected in (True, False):
            with pytest.raises(Ended):
                channel.send(message)
            assert world.book.find(made.channel_id).enabled is expected
    assert "is not noted" in caplog.text


def test_channels_that_cannot_end_cost_no_further_read() -> None:
    channel = msgspec.structs.replace(World().add(), kind="apprise")

    class NoTable:
        """Fails if it is asked."""

    assert EndedChannels(NoTable(), "alerts").applied((channel,)) == (channel,)


@pytest.mark.parametrize(
    ("page", "contact"),
    [
        ("https://page.example", "https://page.example"),
        ("http://127.0.0.1:8080", "mailto:ticktape@example.com"),
        ("", "mailto:ticktape@example.com"),
    ],
)
def test_push_services_are_told_the_page_or_an_address(page: str, contact: str) -> None:
    assert push_contact(page) == contact


def test_notes_of_deleted_channels_do_not_fill_the_item(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended_channels, "MOST_NOTED", 5)
    world = World()
    kept = world.add("kept")
    for number in range(7):
        gone = world.add(f"phone {number}")
        world.ended.note(gone, "410")
        world.book.remove(gone.channel_id)
        item = world.ended._read(ended_channels._PLACE)
        assert len(item) <= 2 + 5 + 1
    world.ended.note(kept, "410")
    (shown,) = (each for each in world.store.table().entries if each.name == "kept")
    assert (shown.enabled, shown.ended) == (False, "410")
