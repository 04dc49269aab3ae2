"""DynamoDB's time to live: deletes expired items in bounded steps.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from embedded_aws.emulator import database
from embedded_aws.emulator.table_items import TableItems, expiry

MOST = 200
"""The most items that one step deletes, and the most that it checks."""

LONGEST_SECONDS = 5 * 365 * 86_400
"""DynamoDB does not delete items that expired more than five years ago."""

_decode = msgspec.json.Decoder().decode


def tables() -> list[Any]:
    """Return moto's tables whose items are stored in SQLite."""
    from moto.dynamodb.models import dynamodb_backends

    backends = [backend for *_, backend in dynamodb_backends.iter_backends()]
    found = [table for backend in backends for table in backend.tables.values()]
    return [table for table in found if isinstance(table.items, TableItems)]


class ItemExpiry:
    """Deletes expired items. Their stream records say that the service deleted them."""

    name = "items"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def step(self, now: float) -> int:
        """Delete at most MOST expired items of one table, and note the expiry of at most MOST older
        items. Return the number of both, or 0 when nothing remains."""
        for table in tables():
            attribute = table.items.expires_by()
            if attribute is not None and (count := self._of_table(table, attribute, now)):
                return count
        return 0

    def _of_table(self, table: Any, attribute: str, now: float) -> int:
        adopted = self._adopt(table, attribute)
        rows = self._connection.execute(
            "SELECT h, r FROM items WHERE tbl = ? AND expires > ? AND expires < ?"
            " ORDER BY expires LIMIT ?",
            (table.name, int(now) - LONGEST_SECONDS, int(now), MOST),
        ).fetchall()
        for hash_value, range_value in rows:
            item = table.items.remove(hash_value, range_value)
            if table.stream_shard is not None:
                table.stream_shard.add(item, None, by_service=True)
        return adopted + len(rows)

    def _adopt(self, table: Any, attribute: str) -> int:
        """Note the expiry of at most MOST items that were stored before the table got its time to
        live, and return their number."""
        name = f"ttl:{table.name}"
        kept = _decode(database.meta(self._connection, name) or "null")
        if kept is None or kept[0] != attribute:
            kept = [attribute, "", "", False]
        if kept[3]:
            return 0
        rows = self._connection.execute(
            "SELECT h, r, item FROM items WHERE tbl = ? AND (h, r) > (?, ?) ORDER BY h, r LIMIT ?",
            (table.name, kept[1], kept[2], MOST),
        ).fetchall()
        self._connection.executemany(
            "UPDATE items SET expires = ? WHERE tbl = ? AND h = ? AND r = ?",
            [(expiry(_decode(raw).get(attribute)), table.name, h, r) for h, r, raw in rows],
        )
        after = rows[-1][:2] if rows else ("", "")
        state = [attribute, *after, not rows]
        database.put_meta(self._connection, name, msgspec.json.encode(state).decode())
        return len(rows)
