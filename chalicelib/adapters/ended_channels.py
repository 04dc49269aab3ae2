"""Channels whose receiver has ended them: one item of the alerts table, which `deliver` may write;
the channels themselves it only reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import item_of, read, text
from chalicelib.domain.channels import StoredChannel

_PLACE = item_of(symbol="ended:channels", timestamp_rule="-")
"""A key that no symbol has."""


MOST_NOTED = 100
"""Notes that the item holds, deleted channels among them: some 10 KB."""


class EndedChannels:
    """Notes the channels that have ended, under their ids, each for the address that it had."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def note(self, channel: StoredChannel, reason: str) -> None:
        """Note that a channel has ended with its present address. One GetItem and one UpdateItem.

        Where MOST_NOTED are noted, the others are dropped: those that still exist are noted again
        when their push service next refuses a message.
        """
        name = _name_of(channel)
        noted = sorted(read(self._client, self._table, _PLACE).keys() - _PLACE.keys() - {name})
        old = {f"#n{at}": each for at, each in enumerate(noted)} if len(noted) >= MOST_NOTED else {}
        removed = f" REMOVE {', '.join(old)}" if old else ""
        self._client.update_item(
            TableName=self._table,
            Key=_PLACE,
            UpdateExpression=f"SET #channel = :ended{removed}",
            ExpressionAttributeNames={"#channel": name, **old},
            ExpressionAttributeValues={":ended": text(f"{_digest(channel)} {reason}")},
        )

    def applied(self, channels: Sequence[StoredChannel]) -> tuple[StoredChannel, ...]:
        """Return the channels with the ended ones switched off and their reasons. One GetItem if
        any of them can end."""
        if all(channel.kind != "web_push" for channel in channels):
            return tuple(channels)
        item = read(self._client, self._table, _PLACE)
        return tuple(_applied(each, item.get(_name_of(each), {}).get("S", "")) for each in channels)


def _applied(channel: StoredChannel, noted: str) -> StoredChannel:
    digest, _, reason = noted.partition(" ")
    if channel.kind != "web_push" or digest != _digest(channel):
        return channel
    return msgspec.structs.replace(channel, enabled=False, ended=reason)


def _name_of(channel: StoredChannel) -> str:
    return f"channel_{channel.channel_id}"


def _digest(channel: StoredChannel) -> str:
    return hashlib.sha256(channel.sealed.encode()).hexdigest()[:16]
