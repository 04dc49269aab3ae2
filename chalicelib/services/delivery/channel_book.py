"""List, create, change and delete the channels of a stage."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.domain.channel_ids import SNS
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.channels import (
    MAX_CHANNELS,
    StoredChannel,
    parse_changed,
    parse_new,
    with_topic,
)
from chalicelib.domain.errors import ChannelError, Conflict, RuleError, Unknown
from chalicelib.domain.times import to_text
from chalicelib.services.delivery.push_key import PushKeyRing
from chalicelib.services.delivery.stored_lists import (
    Listed,
    ListStore,
    StoredList,
    remove_unreadable,
    rewrite,
)

ChannelStore = ListStore[StoredChannel]
"""The store of the channels."""


Seal = Callable[[str, Secrets], str]
"""A function that encrypts the secrets of a channel, given its id. The result can be decrypted for
this channel only. Raises Conflict."""


class ChannelBook:
    """Reads and writes the channels of a stage. The topic is always one of them."""

    def __init__(
        self,
        store: ChannelStore,
        seal: Seal,
        clock: Callable[[], datetime],
        push_keys: PushKeyRing | None = None,
    ) -> None:
        """`push_keys` has the key pair for Web Push. Without it, no browser can be a channel."""
        self._push_keys = push_keys
        self._store = store
        self._seal = seal
        self._clock = clock

    def all(self) -> list[StoredChannel]:
        """Return the topic, then the other channels, oldest first."""
        return _all_of(self._store.table())

    def listed(self) -> Listed[StoredChannel]:
        """Return all channels, as `all` does, and the ids of at most MAX_CHANNELS that cannot be
        read. Alerts are not sent to channels that cannot be read."""
        table = self._store.table()
        return Listed(_all_of(table), table.unreadable_ids(MAX_CHANNELS))

    def find(self, channel_id: str) -> StoredChannel:
        """Return the channel with this id. Raises Unknown."""
        return _found(self.all(), channel_id)

    def create(self, given: dict[str, Any]) -> StoredChannel:
        """Store a new channel and return it. Raises ChannelError, Conflict, Contended."""
        described, secrets = parse_new(given)
        channel_id = randomness.token_hex(6)
        made = msgspec.structs.replace(
            described,
            channel_id=channel_id,
            created_at=to_text(self._clock()),
            sealed=self._seal(channel_id, secrets),
            vapid=self._vapid(described),
        )

        def add(stored: list[StoredChannel]) -> list[StoredChannel]:
            if len(stored) > MAX_CHANNELS:  # the topic is not counted
                raise Conflict(f"there are {MAX_CHANNELS} channels, which is the most: delete one")
            return [*stored, made]

        self._write(add)
        return made

    def replace(self, channel_id: str, given: dict[str, Any]) -> StoredChannel:
        """Change a channel and return it. Raises Unknown, ChannelError, Conflict, Contended."""
        made, secrets = parse_changed(given, self.find(channel_id))
        if secrets is not None:
            sealed = self._seal(channel_id, secrets)
            now = to_text(self._clock())
            vapid = self._vapid(made)
            made = msgspec.structs.replace(made, sealed=sealed, address_at=now, vapid=vapid)

        def change(stored: list[StoredChannel]) -> list[StoredChannel]:
            before = _found(stored, channel_id)
            after = made
            if secrets is None:
                after = msgspec.structs.replace(
                    made,
                    sealed=before.sealed,
                    service=before.service,
                    address_at=before.address_at,
                    vapid=before.vapid,
                )
            return [after if each is before else each for each in stored]

        self._write(change)
        return made

    def push_key(self) -> str:
        """Return the public key that browsers subscribe with; make the key pair if there is none.
        Raises Conflict, Contended."""
        if self._push_keys is None:
            raise Conflict("this system sends no Web Push")
        return self._push_keys.ensure().public

    def _vapid(self, channel: StoredChannel) -> str:
        """Return the stage's encrypted key pair if the channel is a browser, else an empty text.
        Raises Conflict if the stage has no key pair."""
        if channel.kind != "web_push":
            return ""
        key = self._push_keys.current() if self._push_keys else None
        if key is None:
            raise Conflict("the stage has no push key yet: POST /push-key, and subscribe by it")
        return key.sealed

    def remove(self, channel_id: str) -> None:
        """Delete a channel, even one that cannot be read. Raises Unknown, Contended, and
        Conflict for the topic."""
        if channel_id == SNS:
            raise Conflict("the topic stays; PUT it with enabled false to switch it off")

        if remove_unreadable(self._store, channel_id, _all_of, "channels"):
            return

        def drop(stored: list[StoredChannel]) -> list[StoredChannel]:
            gone = _found(stored, channel_id)
            return [each for each in stored if each is not gone]

        self._write(drop)

    def check(self, named: Iterable[str]) -> None:
        """Raise RuleError if a rule names an id that no channel has."""
        wanted = tuple(named)
        if not wanted:
            return
        known = [channel.channel_id for channel in self.all()]
        unknown = [each for each in wanted if each not in known]
        if unknown:
            raise RuleError("channels", unknown, f"ids of channels: {', '.join(known)}")

    def _write(self, change: Callable[[list[StoredChannel]], list[StoredChannel]]) -> None:
        """Replace all channels by those that `change` returns. Try again if another write was
        faster. Raises the errors of `change`, ChannelError for a repeated name, and Contended."""

        def changed(table: StoredList[StoredChannel]) -> list[StoredChannel]:
            channels = change(_all_of(table))
            _refuse_same_names(channels)
            return channels

        rewrite(self._store, changed, "channels")


def _all_of(table: StoredList[StoredChannel]) -> list[StoredChannel]:
    return with_topic(table.entries)


def _found(channels: Iterable[StoredChannel], channel_id: str) -> StoredChannel:
    for channel in channels:
        if channel.channel_id == channel_id:
            return channel
    raise Unknown("channel", channel_id)


def _refuse_same_names(channels: Iterable[StoredChannel]) -> None:
    seen: set[str] = set()
    for channel in channels:
        name = channel.name.lower()
        if name in seen:
            raise ChannelError("name", channel.name, "a name that no other channel has")
        seen.add(name)
