"""The channels: one item of the rules table, replaced as a whole under its version."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, item_of, read, transact, version_of, versioned
from chalicelib.domain.channels import StoredChannel
from chalicelib.services.delivery.channel_book import ChannelTable

_PLACE: Item = {"symbol": {"S": "#channels"}, "rule_id": {"S": "#channels"}}
"""A key that no rule can have. The index of rules does not list the item."""

_decoder = msgspec.json.Decoder(tuple[StoredChannel, ...])


class Channels:
    """ChannelStore over DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def table(self) -> ChannelTable:
        """See ChannelStore. One GetItem."""
        item = read(self._client, self._table, _PLACE)
        channels = _decoder.decode(item["channels"]["S"]) if item else ()
        return ChannelTable(version_of(item), channels)

    def write(self, table: ChannelTable, channels: tuple[StoredChannel, ...]) -> bool:
        """See ChannelStore. One TransactWriteItems."""
        item = _PLACE | item_of(channels=msgspec.json.encode(channels).decode())
        return transact(self._client, [versioned(self._table, item, table.version)])
