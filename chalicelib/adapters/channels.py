"""The channels: one item of the rules table, replaced as a whole under its version."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, item_of, read, transact, version_of, versioned
from chalicelib.domain.channels import StoredChannel
from chalicelib.services.delivery.channel_book import ChannelTable

_PLACE: Item = {"symbol": {"S": "#channels"}, "rule_id": {"S": "#channels"}}
"""A key that no rule can have. The index of rules does not list the item."""

_raw_decoder = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_decoder = msgspec.json.Decoder(StoredChannel)

log = logging.getLogger("ticktape.channels")


class Channels:
    """ChannelStore over DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def table(self) -> ChannelTable:
        """See ChannelStore. One GetItem."""
        item = read(self._client, self._table, _PLACE)
        readable, unreadable = _decoded(item["channels"]["S"]) if item else ((), ())
        return ChannelTable(version_of(item), readable, unreadable)

    def write(self, table: ChannelTable, channels: tuple[StoredChannel, ...]) -> bool:
        """See ChannelStore. One TransactWriteItems."""
        kept = [*channels, *map(msgspec.Raw, table.unreadable)]
        item = _PLACE | item_of(channels=msgspec.json.encode(kept).decode())
        return transact(self._client, [versioned(self._table, item, table.version)])


def _decoded(text: str) -> tuple[tuple[StoredChannel, ...], tuple[bytes, ...]]:
    """Return the channels, and those that this version cannot read: the others go on without
    them."""
    readable: list[StoredChannel] = []
    unreadable: list[bytes] = []
    for raw in _raw_decoder.decode(text):
        try:
            readable.append(_decoder.decode(raw))
        except msgspec.ValidationError as error:
            log.warning("a stored channel cannot be read, and gets no alerts: %s", error)
            unreadable.append(bytes(raw))
    return tuple(readable), tuple(unreadable)
