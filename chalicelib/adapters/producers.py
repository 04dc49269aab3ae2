"""The symbols table's list "producers": one item per command, which the producer replaces."""

from __future__ import annotations

import logging
from typing import Any

from chalicelib.adapters.dynamodb import Item, batch_get, number_of, optional_number, optional_text
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.symbol_stores import ProducerStatus

log = logging.getLogger("ticktape.producers")

LIST = "producers"
COMMANDS = ("stream", "replay", "backfill", "collector")
"""The producer's commands. Other items in the list are ignored."""

MOST_LABEL = 100
MOST_PROBLEM = 300
MOST_REASONS = 10
"""The most reasons that are read from an item."""


class Producers:
    """ProducerStore over DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def statuses(self) -> list[ProducerStatus]:
        """See ProducerStore. One BatchGetItem. Invalid items are skipped and logged."""
        keys = [{"list": {"S": LIST}, "symbol": {"S": command}} for command in COMMANDS]
        read = map(_to_status, batch_get(self._client, self._table, keys))
        return [status for status in read if status is not None]


def _to_status(item: Item) -> ProducerStatus | None:
    try:
        dropped = item.get("dropped", {"M": {}})["M"]
        reasons = list(dropped)[:MOST_REASONS]
        return ProducerStatus(
            command=item["symbol"]["S"],
            source=item["source"]["S"][:MOST_LABEL],
            state=item["state"]["S"][:MOST_LABEL],
            time=to_text(from_text(item["time"]["S"])),
            progress=optional_number(item, "progress"),
            problem=(optional_text(item, "problem") or "")[:MOST_PROBLEM] or None,
            dropped={name[:MOST_LABEL]: int(number_of(dropped, name)) for name in reasons},
        )
    except Exception as error:  # noqa: BLE001 - written by a producer of another version
        log.warning("the status of a producer cannot be read: %r", error)
        return None
