"""The channels and the mutes, as `deliver` reads them: two items of the rules table at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib.adapters.channels import Channels
from chalicelib.adapters.ended_channels import EndedChannels
from chalicelib.adapters.listed_items import read_together
from chalicelib.adapters.mutes import Mutes
from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.mutes import Mute


class DirectoryItems:
    """DirectoryStore over DynamoDB."""

    def __init__(
        self,
        client: Any,
        table: str,
        clock: Callable[[], datetime],
        ended: EndedChannels | None = None,
    ) -> None:
        """`ended` knows which channels have ended; without it none counts as ended."""
        self._client = client
        self._table = table
        self._store = Channels(client, table, ended)
        self._channels = self._store.listed
        self._mutes = Mutes(client, table, clock).listed

    def read(self) -> tuple[tuple[StoredChannel, ...], tuple[Mute, ...]]:
        """See DirectoryStore. One BatchGetItem, and a GetItem if a channel can end."""
        channels, mutes = read_together(self._client, self._table, self._channels, self._mutes)
        readable = self._store.applied(self._channels.decode(channels).readable)
        return readable, self._mutes.decode(mutes).readable
