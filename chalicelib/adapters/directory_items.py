"""Reads the channels and the mutes for `deliver`: two items of the rules table in one request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib.adapters.channels import Channels
from chalicelib.adapters.dynamodb import batch_get
from chalicelib.adapters.ended_channels import EndedChannels
from chalicelib.adapters.mutes import Mutes
from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.mutes import Mute


class DirectoryItems:
    """Reads the channels and the mutes from DynamoDB."""

    def __init__(
        self,
        client: Any,
        table: str,
        clock: Callable[[], datetime],
        ended: EndedChannels | None = None,
    ) -> None:
        """`ended` knows the channels that have ended. Without it no channel has ended."""
        self._client = client
        self._table = table
        self._channels = Channels(client, table, ended)
        self._mutes = Mutes(client, table, clock)

    def read(self) -> tuple[tuple[StoredChannel, ...], tuple[Mute, ...]]:
        """See ReadAll. One BatchGetItem, and one GetItem if there are Web Push channels."""
        lists = self._channels, self._mutes
        items = batch_get(self._client, self._table, [one.place for one in lists])
        found = {item["symbol"]["S"]: item for item in items}
        channels, mutes = (found.get(one.place["symbol"]["S"], {}) for one in lists)
        return self._channels.decode(channels).entries, self._mutes.decode(mutes).entries
