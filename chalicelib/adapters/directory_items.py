"""The channels and the mutes, as `deliver` reads them: two items of the rules table at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib.adapters.channels import Channels
from chalicelib.adapters.listed_items import read_together
from chalicelib.adapters.mutes import Mutes
from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.mutes import Mute


class DirectoryItems:
    """DirectoryStore over DynamoDB."""

    def __init__(self, client: Any, table: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._channels = Channels(client, table).listed
        self._mutes = Mutes(client, table, clock).listed

    def read(self) -> tuple[tuple[StoredChannel, ...], tuple[Mute, ...]]:
        """See DirectoryStore. One BatchGetItem."""
        channels, mutes = read_together(self._client, self._table, self._channels, self._mutes)
        return self._channels.decode(channels)[1], self._mutes.decode(mutes)[1]
