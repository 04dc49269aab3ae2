"""A table's stream: one shard of numbered changes, which SQLite stores until they are trimmed.

As on AWS, a write that changes nothing leaves no record. moto alone would emit MODIFY.
"""

from __future__ import annotations

import base64
import datetime
import sqlite3
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from moto.core.utils import utcnow
from moto.dynamodb.models.dynamo_type import Item

from embedded_aws.emulator import database
from embedded_aws.emulator.queries import Plain
from embedded_aws.emulator.table_items import encode_item

FIRST = 1100000000017454423009
"""moto's first sequence number. Stored numbers are offsets from it, so that they fit SQLite."""

_SERVICE = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
"""The identity of DynamoDB itself, in the stream records of expired items."""

_ITEMS = ("Keys", "NewImage", "OldImage")
"""The fields of a change that hold an item's attributes."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def position(kind: str, sequence_number: str | None) -> int:
    """Return the number under which a record is stored, given its stream's kind and sequence
    number. Return -1, before all records, for None."""
    if sequence_number is None:
        return -1
    return int(sequence_number) - (FIRST if kind == "dynamodb" else 0)


def stream_label(connection: sqlite3.Connection, table: str) -> str:
    """Return the label in the ARN of a table's stream. It is created once and survives restarts."""
    name = f"stream-label:{table}"
    kept = database.meta(connection, name)
    if kept is None:
        kept = utcnow().isoformat(timespec="milliseconds")
        database.put_meta(connection, name, kept)
    return kept


class ItemChanges:
    """moto's `Table.stream_shard` over SQLite. Copies share the rows, as in `TableItems`."""

    id = "shardId-00000001541626099285-f35f62ef"

    def __init__(
        self, table: Any, connection: sqlite3.Connection, changed: Callable[[], None]
    ) -> None:
        self.table = table
        self.starting_sequence_number = FIRST
        self.created_on = utcnow()
        self._connection = connection
        self._changed = changed
        self._counter = f"changes:{table.name}"

    def __deepcopy__(self, memo: dict[int, Any]) -> ItemChanges:
        return self

    def to_json(self) -> dict[str, Any]:
        """Describe the shard as DescribeStream does."""
        return {
            "ShardId": self.id,
            "SequenceNumberRange": {"StartingSequenceNumber": str(FIRST)},
        }

    def add(self, old: Item | None, new: Item | None, *, by_service: bool = False) -> None:
        """Record an item's change from `old` to `new`, unless they are equal. None means no item.

        `by_service` marks DynamoDB's own deletions of expired items.
        """
        if old is not None and new is not None and old == new:
            return
        number = database.next_number(self._connection, self._counter, 0)
        self._connection.execute(
            "INSERT INTO item_changes VALUES (?, ?, ?, ?)",
            (self.table.name, number, time.time(), self._record(old, new, number, by_service)),
        )
        self._changed()

    def position(self, kind: str, sequence_number: int | None) -> int:
        """Return the offset of the first record that an iterator of this kind returns."""
        if kind == "AT_SEQUENCE_NUMBER" and sequence_number is not None:
            return sequence_number - FIRST
        if kind == "AFTER_SEQUENCE_NUMBER" and sequence_number is not None:
            return sequence_number - FIRST + 1
        if kind == "LATEST":
            last = database.meta(self._connection, self._counter)
            return 0 if last is None else int(last) + 1
        return 0

    def after(self, position: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        """Return at most `limit` records from `position` on, and the position after the last."""
        rows = self._connection.execute(
            "SELECT seq, created, record FROM item_changes WHERE tbl = ? AND seq >= ?"
            " ORDER BY seq LIMIT ?",
            (self.table.name, position, min(limit, 1000)),
        ).fetchall()
        records = [_readable(created, raw) for _, created, raw in rows]
        return records, rows[-1][0] + 1 if rows else position

    def _record(self, old: Item | None, new: Item | None, number: int, by_service: bool) -> bytes:
        view = self.table.stream_specification["StreamViewType"]
        present: Any = new or old
        names = [self.table.hash_key_attr, self.table.range_key_attr]
        change: dict[str, Any] = {
            "StreamViewType": view,
            "SequenceNumber": str(FIRST + number),
            "Keys": {name: present.attrs[name].to_json() for name in names if name},
        }
        images = {"NEW": ("NewImage", new), "OLD": ("OldImage", old)}
        for word, (name, item) in images.items():
            if item is not None and word in view:
                change[name] = msgspec.Raw(encode_item(item))
        raw = _encode(change)
        return _encode(
            {
                "eventID": uuid.uuid4().hex,
                "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": self.table.region_name,
                "dynamodb": {**change, "SizeBytes": len(raw)},
                **({"userIdentity": _SERVICE} if by_service else {}),
            }
        )


def _readable(created: float, raw: bytes) -> dict[str, Any]:
    record: dict[str, Any] = _decode(raw)
    change = record["dynamodb"]
    # AWS rounds the time down to a second.
    second = datetime.datetime.fromtimestamp(int(created), datetime.UTC)
    change["ApproximateCreationDateTime"] = second
    if b'"B":' in raw or b'"BS":' in raw:
        record["dynamodb"] = _with_bytes(change)
    else:
        change |= {name: Plain(change[name]) for name in _ITEMS if name in change}
    return record


def _with_bytes(value: Any) -> Any:
    """Decode a value's binary parts to bytes, which moto's serializer encodes again."""
    if isinstance(value, list):
        return [_with_bytes(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("B"), str) and len(value) == 1:
        return {"B": base64.b64decode(value["B"])}
    if isinstance(value.get("BS"), list) and len(value) == 1:
        return {"BS": [base64.b64decode(entry) for entry in value["BS"]]}
    return {name: _with_bytes(entry) for name, entry in value.items()}
