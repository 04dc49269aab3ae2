"""The channels, which are stored as one item of the rules table."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.dynamodb import Item
from chalicelib.adapters.ended_channels import EndedChannels
from chalicelib.adapters.listed_items import ListedItem
from chalicelib.domain.channels import StoredChannel, check_stored
from chalicelib.services.delivery.stored_lists import StoredList


class Channels(ListedItem[StoredChannel]):
    """Implements ChannelStore on DynamoDB. With Web Push channels, a read takes two GetItems."""

    def __init__(self, client: Any, table: str, ended: EndedChannels | None = None) -> None:
        """`ended` knows the channels that have ended. Without it no channel has ended."""
        super().__init__(client, table, "channels", StoredChannel, check_stored)
        self._ended = ended

    def decode(self, item: Item) -> StoredList[StoredChannel]:
        """See ListedItem.decode. Channels that have ended are switched off."""
        found = super().decode(item)
        return found._replace(entries=self._ended.applied(found.entries)) if self._ended else found
