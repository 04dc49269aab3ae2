"""Deletes expired stream records in bounded steps."""

from __future__ import annotations

import sqlite3
from itertools import takewhile

from embedded_aws.emulator.expiring import tables
from embedded_aws.emulator.item_changes import position

MOST = 500
"""The most records that one step deletes, so that no request waits long."""

ITEM_CHANGES_SECONDS = 86_400.0
"""DynamoDB keeps the records of a table's stream for 24 hours."""


_END = 2**62
_SHARDS = {
    "kinesis": ("records", "stream = ? AND shard = ?"),
    "dynamodb": ("item_changes", "tbl = ?"),
}


def trim(
    connection: sqlite3.Connection,
    kind: str,
    name: str,
    shard: str,
    upto: str | None,
    before: float,
) -> int:
    """Delete a shard's records that arrived before an epoch second, up to a sequence number.

    Returns how many were deleted. If it is MOST, more may be left.
    """
    bound = _END if upto is None else position(kind, upto)
    table, condition = _SHARDS[kind]
    place = f"FROM {table} WHERE {condition} AND seq <= ?"
    key = (name, shard) if kind == "kinesis" else (name,)
    rows = connection.execute(
        f"SELECT seq, created {place} ORDER BY seq LIMIT ?", (*key, bound, MOST)
    ).fetchall()
    old = list(takewhile(lambda row: row[1] < before, rows))
    last = old[-1][0] if old else -1
    return connection.execute(f"DELETE {place}", (*key, last)).rowcount


class Retention:
    """Decides when unfinished records have expired.

    Only the time in which the emulator runs counts, since nobody can read its streams in between.
    """

    def __init__(self, started: float) -> None:
        self._started = started

    def bound(self, now: float, seconds: float) -> float:
        """Return the epoch second before which records have expired. Return 0 if the emulator has
        not run for `seconds` yet."""
        bound = now - seconds
        return bound if self._started < bound else 0.0


class StreamTrimming:
    """Deletes records past their stream's retention, even if nobody has read them."""

    name = "stream_records"

    def __init__(self, connection: sqlite3.Connection, retention: Retention) -> None:
        self._connection = connection
        self._retention = retention

    def step(self, now: float) -> int:
        """Delete at most MOST records of a shard. Return 0 when nothing remains."""
        from moto.kinesis.models import kinesis_backends

        backends = [backend for *_, backend in kinesis_backends.iter_backends()]
        for stream in [stream for backend in backends for stream in backend.streams.values()]:
            before = self._retention.bound(now, stream.retention_period_hours * 3600.0)
            for shard in stream.shards:
                if count := trim(
                    self._connection, "kinesis", stream.stream_name, shard, None, before
                ):
                    return count
        before = self._retention.bound(now, ITEM_CHANGES_SECONDS)
        for table in tables():
            if count := trim(self._connection, "dynamodb", table.name, "", None, before):
                return count
        return 0
