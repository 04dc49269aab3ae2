"""Which channels `deliver` finds, and when it looks again."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.adapters.sealed_channel import SealedChannel
from chalicelib.adapters.sealing import Sealing
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.channels import ESTABLISHED_SECONDS, StoredChannel
from chalicelib.domain.deliveries import DeliveryError, Lasting, Passing
from chalicelib.domain.messages import Message
from chalicelib.domain.mutes import Mute
from chalicelib.domain.times import to_text
from chalicelib.services.delivery.directory import KEPT_SECONDS, Directory
from rigs.alert_peers import Reply, peer
from rigs.memory_aws.system import KMS
from tests.factories import at, instant, make_alert

BEGUN = instant(-ESTABLISHED_SECONDS)
PHONE = StoredChannel(channel_id="phone", name="Phone", kind="webhook", service="webhook")


class Store:
    """Channels and mutes; it counts how often it is read."""

    def __init__(self, *channels: StoredChannel) -> None:
        self.channels = channels
        self.mutes: tuple[Mute, ...] = ()
        self.reads = 0

    def read(self) -> tuple[tuple[StoredChannel, ...], tuple[Mute, ...]]:
        self.reads += 1
        return self.channels, self.mutes


class World:
    """A directory over a store, with a clock; `made` are the channels that it has made."""

    def __init__(self, *channels: StoredChannel) -> None:
        self.store = Store(*channels)
        self.now = 0.0
        self.made: list[StoredChannel] = []
        self.directory = Directory(lambda: self.store.read(), self._make, lambda: self.now)

    def find(self, channel_id: str) -> Any:
        return self.directory.find(channel_id)

    def _make(self, stored: StoredChannel) -> Any:
        self.made.append(stored)
        return stored


def test_channels_are_read_once_in_thirty_seconds() -> None:
    world = World(PHONE)
    alert = make_alert(channels=("phone",))
    for _ in range(3):
        assert world.directory.receivers(alert) == ("phone",)
        assert world.find("phone") is PHONE
    assert (world.store.reads, world.made) == (1, [PHONE])
    world.now = KEPT_SECONDS + 1
    world.directory.receivers(alert)
    assert world.store.reads == 2


def test_mutes_are_read_with_the_channels() -> None:
    world = World(PHONE)
    assert world.find("phone") is PHONE
    world.store.mutes = (Mute(mute_id="m", symbol="AAPL"),)
    assert world.directory.mutes() == ()
    world.now = KEPT_SECONDS + 1
    assert [mute.symbol for mute in world.directory.mutes()] == ["AAPL"]
    assert world.store.reads == 2


def test_a_channel_that_was_just_added_is_found_at_once() -> None:
    world = World()
    assert world.directory.receivers(make_alert()) == ("sns",)
    world.store.channels = (PHONE,)
    assert world.directory.receivers(make_alert(channels=("phone",))) == ("phone",)
    assert world.find("phone") is PHONE


def test_a_deleted_channel_is_not_found_and_still_named() -> None:
    world = World(PHONE)
    world.find("phone")
    world.store.channels = ()
    world.now = KEPT_SECONDS + 1
    assert world.directory.receivers(make_alert(channels=("phone",))) == ("phone",)
    assert world.find("phone") is None


def test_a_changed_channel_is_made_again() -> None:
    world = World(PHONE)
    world.find("phone")
    changed = msgspec.structs.replace(PHONE, sealed="other")
    world.store.channels = (changed,)
    world.now = KEPT_SECONDS + 1
    assert world.find("phone") is changed
    assert world.made == [PHONE, changed]


@pytest.mark.parametrize(
    ("fields", "is_established"),
    [
        ({"created_at": to_text(BEGUN)}, True),
        ({"created_at": to_text(BEGUN + timedelta(seconds=1))}, False),
        ({"created_at": at(-1e6), "address_at": to_text(BEGUN)}, True),
        ({"created_at": at(-1e6), "address_at": to_text(BEGUN + timedelta(seconds=1))}, False),
        ({"created_at": at(1e6)}, False),
        ({"created_at": "yesterday"}, False),
        ({}, False),
    ],
)
def test_a_channel_is_established_once_it_has_had_its_address_for_long(
    fields: dict[str, str], is_established: bool
) -> None:
    directory = World(msgspec.structs.replace(PHONE, **fields)).directory
    assert directory.is_established("phone", instant(0)) is is_established
    assert directory.is_established("sns", instant(0))
    assert not directory.is_established("none", instant(0))


def sealed(url: str, channel_id: str = "phone") -> StoredChannel:
    secrets = Secrets(url, "s" * 20)
    text = Sealing(KMS(), "alias/test", "test").seal(channel_id, secrets)
    return msgspec.structs.replace(PHONE, sealed=text)


def test_an_address_is_decrypted_once_and_sent_to(message: Message) -> None:
    kms = Counting()
    with peer(Reply(200)) as there:
        channel = SealedChannel(
            sealed(there.url), Sealing(kms, "alias/test", "test"), lambda _: True
        )
        channel.prepare()
        assert (len(there.requests), kms.decrypted) == (0, 1)
        channel.send(message)
        channel.send(message)
    assert (len(there.requests), kms.decrypted) == (2, 1)


class Counting(KMS):
    """Counts what it decrypts, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.decrypted = 0
        self._error = error

    def decrypt(self, **request: Any) -> dict[str, Any]:
        self.decrypted += 1
        if self._error:
            raise self._error
        return super().decrypt(**request)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Decrypt")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refusal("InvalidCiphertextException"), Lasting),
        (refusal("ThrottlingException"), Passing),
        (refusal("AccessDeniedException"), Passing),
        (EndpointConnectionError(endpoint_url="https://kms.example"), Passing),
    ],
)
def test_an_address_that_cannot_be_decrypted_is_told(
    error: Exception, kind: type[DeliveryError], message: Message
) -> None:
    sealing = Sealing(Counting(error), "alias/test", "test")
    with pytest.raises(kind, match="cannot be decrypted"):
        SealedChannel(sealed("https://hooks.example/"), sealing).send(message)


def test_text_encrypted_for_one_channel_opens_no_other() -> None:
    stored = sealed("https://hooks.example/", "other")
    with pytest.raises(ValueError, match="another context"):
        Sealing(KMS(), "alias/test", "test").unseal("phone", stored.sealed)


def test_ids_that_no_channel_has_cause_one_reading_until_channels_have_aged() -> None:
    world = World(PHONE)
    alert = make_alert(channels=("gone", "lost"))
    for _ in range(3):
        world.directory.receivers(alert)
        assert world.find("gone") is world.find("lost") is None
    assert world.store.reads == 1
    world.store.channels = (msgspec.structs.replace(PHONE, channel_id="new"),)
    assert world.directory.receivers(make_alert(channels=("new",))) == ("new",)
    assert world.find("gone") is None
    assert world.store.reads == 2
    world.now = KEPT_SECONDS + 1
    assert world.find("gone") is world.find("lost") is None
    assert world.store.reads == 4


def test_while_a_channel_is_looked_for_others_are_found() -> None:
    world = World(PHONE)
    world.find("phone")
    read = world.store.read
    found: list[Any] = []

    def reading() -> tuple[tuple[StoredChannel, ...], tuple[Mute, ...]]:
        thread = Thread(target=lambda: found.append(world.find("phone")), daemon=True)
        thread.start()
        thread.join(5)
        return read()

    world.store.read = reading  # type: ignore[method-assign]
    assert world.find("gone") is None
    assert found == [PHONE]
