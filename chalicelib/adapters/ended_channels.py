"""Channels that their receivers have ended: one item of the alerts table. `deliver` may write that
table; the table of channels it may only read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from chalicelib.adapters.dynamodb import item_of, text
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.channels import StoredChannel

_PLACE = item_of(symbol="ended:channels", timestamp_rule="-")
"""A key that no symbol has."""


MOST_NOTED = 100
"""The most notes in the item, those of deleted channels included: some 10 KB."""


class EndedChannels(TableAccess):
    """Notes by channel id that a channel has ended. A note holds for the address that the channel
    had."""

    def note(self, channel: StoredChannel, reason: str) -> None:
        """Note that a channel has ended with its present address. One GetItem and one UpdateItem.

        If MOST_NOTED others are noted, they are dropped: those that still exist are noted again
        when their push service next refuses a message.
        """
        name = _name_of(channel)
        noted = sorted(self._read(_PLACE).keys() - _PLACE.keys() - {name})
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
        """Return the channels, the ended ones switched off and with the reason. One GetItem if any
        of them can end."""
        if all(channel.kind != "web_push" for channel in channels):
            return tuple(channels)
        item = self._read(_PLACE)
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
