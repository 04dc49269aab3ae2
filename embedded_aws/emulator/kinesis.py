"""Patches moto's Kinesis: records are read by number from SQLite, and closed shards end like AWS's.

moto alone scans all records of a shard for each read and write. It moves the records of a split or
merged shard to its children, and never reports the end of a closed shard.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import sqlite3
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec
from moto.core.utils import utcnow
from moto.kinesis.exceptions import InvalidArgumentError
from moto.kinesis.models import KinesisBackend, Record, Shard, Stream
from moto.kinesis.utils import compose_shard_iterator, decompose_shard_iterator

from embedded_aws.emulator import database

MAX_READ = 10_000


def install(connection: sqlite3.Connection, changed: Callable[[], None]) -> None:
    """Install the patches. `changed` is called for each record that is put."""
    _keep_records(connection, changed)
    _keep_shards(connection)
    _close_shards(connection)
    KinesisBackend._send_stream_metrics = lambda *_, **__: None  # moto keeps each forever


class _Named(dict[str, Any]):
    """The shards of a stream by id. Each shard that is added gets the stream's name."""

    def __init__(self, stream_name: str) -> None:
        self._stream_name = stream_name

    def __setitem__(self, shard_id: str, shard: Any) -> None:
        shard.stream_name = self._stream_name
        super().__setitem__(shard_id, shard)


def _keep_records(connection: sqlite3.Connection, changed: Callable[[], None]) -> None:
    def put_record(self: Any, partition_key: str, data: str, explicit_hash_key: str | None) -> str:
        counter = f"records:{self.stream_name}:{self.shard_id}"
        number = database.next_number(connection, counter, 1)
        connection.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self.stream_name,
                self.shard_id,
                number,
                utcnow().replace(tzinfo=datetime.UTC).timestamp(),
                partition_key,
                explicit_hash_key,
                data,
            ),
        )
        changed()
        return str(number)

    def scalar(shard: Any, what: str, before: float = math.inf) -> Any:
        query = f"SELECT {what} FROM records WHERE stream = ? AND shard = ? AND created < ?"  # noqa: S608  # nosec B608
        return connection.execute(query, (shard.stream_name, shard.shard_id, before)).fetchone()[0]

    def get_records(self: Any, after: str, limit: int | None) -> tuple[list[Record], int, int]:
        rows = connection.execute(
            "SELECT seq, created, partition_key, hash_key, data FROM records"
            " WHERE stream = ? AND shard = ? AND seq > ? ORDER BY seq LIMIT ?",
            (self.stream_name, self.shard_id, int(after), min(limit or MAX_READ, MAX_READ)),
        ).fetchall()
        if not rows:
            return [], int(after), 0
        newest = scalar(self, "max(created)")
        behind = max(0, int((newest - rows[-1][1]) * 1000))
        return [_record(*row) for row in rows], rows[-1][0], behind

    def first(self: Any) -> int:
        return int(scalar(self, "min(seq)") or 0)

    def last(self: Any) -> int:
        counter = f"records:{self.stream_name}:{self.shard_id}"
        return int(database.meta(connection, counter) or 0)

    def number_at(self: Any, at_timestamp: float) -> int:
        return int(scalar(self, "max(seq)", at_timestamp) or 0)

    Shard.put_record, Shard.get_records = put_record, get_records
    Shard.get_min_sequence_number, Shard.get_max_sequence_number = first, last
    Shard.get_sequence_number_at = number_at


def _record(
    number: int, created: float, partition_key: str, hash_key: str | None, data: str
) -> Record:
    record = Record.__new__(Record)
    record.partition_key, record.data = partition_key, data
    record.sequence_number, record.explicit_hash_key = number, hash_key
    record.created_at = created
    record.created_at_datetime = datetime.datetime.fromtimestamp(created, datetime.UTC)
    return record


class _KeptShard(msgspec.Struct):
    number: int
    starting_hash: str
    ending_hash: str
    parent: str | None
    adjacent_parent: str | None
    is_open: bool


def _keep_shards(connection: sqlite3.Connection) -> None:
    fresh = Stream.init_shards

    def init_shards(self: Any, shard_count: int) -> None:
        self.shards = _Named(self.stream_name)
        self.creation_datetime = _created(connection, self)
        kept = database.meta(connection, f"shards:{self.stream_name}")
        if kept is None:
            fresh(self, shard_count)
            return
        for row in msgspec.json.decode(kept, type=list[_KeptShard]):
            shard = Shard(
                row.number,
                int(row.starting_hash),
                int(row.ending_hash),
                row.parent,
                row.adjacent_parent,
            )
            shard.is_open = row.is_open
            self.shards[shard.shard_id] = shard
        self.shard_count = sum(shard.is_open for shard in self.shards.values())

    Stream.init_shards = init_shards


def _created(connection: sqlite3.Connection, stream: Any) -> datetime.datetime:
    """Return when the stream was created, which differs from a later stream of the same name."""
    name = f"created:{stream.stream_name}"
    if database.meta(connection, name) is None:
        database.put_meta(connection, name, stream.creation_datetime.isoformat())
    return datetime.datetime.fromisoformat(database.meta(connection, name) or "")


def _save_shards(connection: sqlite3.Connection, stream: Any) -> None:
    rows = [
        _KeptShard(
            shard._shard_id,
            str(shard.starting_hash),
            str(shard.ending_hash),
            shard.parent,
            shard.adjacent_parent,
            shard.is_open,
        )
        for shard in stream.shards.values()
    ]
    encoded = msgspec.json.encode(rows).decode()
    database.put_meta(connection, f"shards:{stream.stream_name}", encoded)


def _close_shards(connection: sqlite3.Connection) -> None:
    def split_shard(self: Any, shard_to_split: str, new_starting_hash_key: str) -> None:
        parent, middle = self.shards[shard_to_split], int(new_starting_hash_key)
        if not parent.is_open or not parent.starting_hash < middle < parent.ending_hash:
            raise InvalidArgumentError(f"{shard_to_split} cannot be split at {middle}")
        for start, end in ((parent.starting_hash, middle - 1), (middle, parent.ending_hash)):
            _add_child(self, start, end, parent.shard_id, None)
        parent.is_open = False
        _save_shards(connection, self)

    def merge_shards(self: Any, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
        first, second = self.shards[shard_to_merge], self.shards[adjacent_shard_to_merge]
        low, high = sorted((first, second), key=attrgetter("starting_hash"))
        if low.ending_hash + 1 != high.starting_hash or not (low.is_open and high.is_open):
            raise InvalidArgumentError(adjacent_shard_to_merge)
        _add_child(self, low.starting_hash, high.ending_hash, first.shard_id, second.shard_id)
        first.is_open = second.is_open = False
        _save_shards(connection, self)

    def get_shard_for_key(self: Any, partition_key: str, explicit_hash_key: str | None) -> Any:
        if not 1 <= len(partition_key) <= 256:
            raise InvalidArgumentError("partition_key")
        digest = hashlib.md5(partition_key.encode(), usedforsecurity=False).hexdigest()
        key = int(explicit_hash_key) if explicit_hash_key else int(digest, 16)
        held = (s for s in self.shards.values() if s.starting_hash <= key <= s.ending_hash)
        return next(shard for shard in held if shard.is_open)

    def get_records(
        self: Any, stream_arn: str | None, shard_iterator: str, limit: int | None
    ) -> tuple[str | None, list[Record], int]:
        stream_name, shard_id, after = decompose_shard_iterator(shard_iterator)
        shard = self.describe_stream(stream_arn, stream_name).get_shard(shard_id)
        records, last, behind = shard.get_records(after, limit)
        ended = not shard.is_open and last >= shard.get_max_sequence_number()
        return (
            None if ended else compose_shard_iterator(stream_name, shard, last),
            records,
            behind,
        )

    Stream.split_shard, Stream.merge_shards = split_shard, merge_shards
    Stream.get_shard_for_key = get_shard_for_key
    KinesisBackend.get_records = get_records


def _add_child(stream: Any, start: int, end: int, parent: str, adjacent: str | None) -> None:
    number = max(shard._shard_id for shard in stream.shards.values()) + 1
    child = Shard(number, start, end, parent, adjacent)
    stream.shards[child.shard_id] = child
