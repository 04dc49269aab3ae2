"""The mutes, which are stored as one item of the rules table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib.adapters.listed_items import ListedItem
from chalicelib.domain.mutes import Mute, check_stored


class Mutes(ListedItem[Mute]):
    """Implements MuteStore on DynamoDB."""

    def __init__(self, client: Any, table: str, clock: Callable[[], datetime]) -> None:
        super().__init__(client, table, "mutes", Mute, lambda mute: check_stored(mute, clock()))
