"""The list "producers" of the symbols table: one item per command, which each producer replaces."""

from __future__ import annotations

from chalicelib.adapters.dynamodb import Item, number_of, optional_number, optional_text, readable
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.symbol_stores import ProducerStatus

LIST = "producers"
COMMANDS = ("stream", "replay", "backfill", "collector")
"""The producer's commands. Other items in the list are ignored."""

MOST_LABEL = 100
MOST_PROBLEM = 300
MOST_REASONS = 10
"""The most reasons of refusals that are read from an item."""


class Producers(TableAccess):
    """Implements ProducerStore on DynamoDB."""

    def statuses(self) -> list[ProducerStatus]:
        """See ProducerStore.statuses. One BatchGetItem. Invalid items are logged and skipped."""
        keys = [{"list": {"S": LIST}, "symbol": {"S": command}} for command in COMMANDS]
        read = (
            readable(_to_status, item, "status of", ("symbol",)) for item in self._read_all(keys)
        )
        return [status for status in read if status is not None]


def _to_status(item: Item) -> ProducerStatus:
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
