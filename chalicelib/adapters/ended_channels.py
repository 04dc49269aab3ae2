"""The channels that their receivers have ended, as one item of the alerts table. `deliver` may
write to that table, but it may only read the table of channels."""

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
"""The most notes in the item, including notes of deleted channels; about 10 KB in total."""


class EndedChannels(TableAccess):
    """Notes of ended channels, by channel id. A note applies only while the channel keeps its
    address."""

    def note(self, channel: StoredChannel, reason: str) -> None:
        """Record that a channel with its present address has ended. One GetItem and one UpdateItem.

        If there are notes of MOST_NOTED other channels, they are dropped. A dropped note is written
        again when the push service next refuses a message to its channel.
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
        """Return the channels. Channels that have ended are switched off and carry the reason. One
        GetItem if there are Web Push channels."""
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
