"""The channels: one item of the rules table."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.listed_items import ListedItem
from chalicelib.domain.channels import StoredChannel, check_stored
from chalicelib.services.delivery.channel_book import ChannelTable


class Channels:
    """ChannelStore over DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self.listed = ListedItem(client, table, "channels", StoredChannel, check_stored)

    def table(self) -> ChannelTable:
        """See ChannelStore. One GetItem."""
        return ChannelTable(*self.listed.read())

    def write(self, table: ChannelTable, channels: tuple[StoredChannel, ...]) -> bool:
        """See ChannelStore. One TransactWriteItems."""
        return self.listed.write(table.version, channels, table.unreadable)
