"""The mutes: one item of the rules table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib.adapters.listed_items import ListedItem
from chalicelib.domain.mutes import Mute, check_stored
from chalicelib.services.delivery.mute_book import MuteTable


class Mutes:
    """MuteStore over DynamoDB."""

    def __init__(self, client: Any, table: str, clock: Callable[[], datetime]) -> None:
        self.listed = ListedItem(
            client, table, "mutes", Mute, lambda mute: check_stored(mute, clock())
        )

    def table(self) -> MuteTable:
        """See MuteStore. One GetItem."""
        return MuteTable(*self.listed.read())

    def write(self, table: MuteTable, mutes: tuple[Mute, ...]) -> bool:
        """See MuteStore. One TransactWriteItems."""
        return self.listed.write(table.version, mutes, table.unreadable)
