"""The channels: one item of the rules table."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.ended_channels import EndedChannels
from chalicelib.adapters.listed_items import ListedItem
from chalicelib.domain.channels import StoredChannel, check_stored
from chalicelib.services.delivery.channel_book import ChannelTable


class Channels:
    """ChannelStore over DynamoDB."""

    def __init__(self, client: Any, table: str, ended: EndedChannels | None = None) -> None:
        """`ended` knows which channels have ended; without it none counts as ended."""
        self._ended = ended
        self.listed = ListedItem(client, table, "channels", StoredChannel, check_stored)

    def table(self) -> ChannelTable:
        """See ChannelStore. One GetItem, and one more if a channel can end."""
        version, channels, unreadable = self.listed.read()
        return ChannelTable(version, self.applied(channels), unreadable)

    def applied(self, channels: tuple[StoredChannel, ...]) -> tuple[StoredChannel, ...]:
        """Return the channels with those switched off that have ended."""
        return self._ended.applied(channels) if self._ended else channels

    def write(self, table: ChannelTable, channels: tuple[StoredChannel, ...]) -> bool:
        """See ChannelStore. One TransactWriteItems."""
        return self.listed.write(table.version, channels, table.unreadable)
