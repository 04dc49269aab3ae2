"""The symbols table's list "producers": one item a command, which the producer itself replaces."""

from __future__ import annotations

import logging
from decimal import Decimal, InvalidOperation
from typing import Any

from chalicelib.adapters.dynamodb import (
    Item,
    key_range,
    optional_number,
    optional_text,
    query,
)
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.stores import ProducerStatus

log = logging.getLogger("ticktape.producers")

LIST = "producers"


class Producers:
    """ProducerStore over DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def statuses(self) -> list[ProducerStatus]:
        """See ProducerStore. One Query. An item that cannot be read is left out and logged."""
        request = key_range("list", LIST, "symbol", None, None)
        pages = query(self._client, TableName=self._table, **request)
        read = (_to_status(item) for items, _ in pages for item in items)
        return [status for status in read if status is not None]


def _to_status(item: Item) -> ProducerStatus | None:
    try:
        dropped = item.get("dropped", {"M": {}})["M"]
        return ProducerStatus(
            command=item["symbol"]["S"],
            source=item["source"]["S"],
            state=item["state"]["S"],
            time=to_text(from_text(item["time"]["S"])),
            progress=optional_number(item, "progress"),
            problem=optional_text(item, "problem"),
            dropped={reason: int(Decimal(count["N"])) for reason, count in dropped.items()},
        )
    except (
        KeyError,
        ValueError,
        InvalidOperation,
    ) as error:  # written by a producer of another version
        log.warning("the status of a producer cannot be read: %r", error)
        return None
