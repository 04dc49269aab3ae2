"""Counts the records that wait in streams and queues, and finds the oldest record's arrival."""

from __future__ import annotations

import json
import sqlite3

from embedded_aws.emulator.item_changes import position

_RANGES = {
    "kinesis": (
        "SELECT min(seq), max(seq) FROM records WHERE stream = ? AND shard = ? AND seq > ?",
        "SELECT created FROM records WHERE stream = ? AND shard = ? AND seq = ?",
    ),
    "dynamodb": (
        "SELECT min(seq), max(seq) FROM item_changes WHERE tbl = ? AND seq > ?",
        "SELECT created FROM item_changes WHERE tbl = ? AND seq = ?",
    ),
}


def waiting(
    connection: sqlite3.Connection,
    streams: list[tuple[str, str, str, str | None]],
    queues: list[str],
) -> bytes:
    """Return JSON with the `count` of waiting records and the arrival of the `oldest` one.

    The arrival is that of a stream's record in epoch seconds, or null. `streams` holds kinds,
    names, shards and last finished sequence numbers. These have no gaps, so only a shard's first
    and last are read.
    """
    count, arrivals = 0, []
    for kind, name, shard, after in streams:
        key = (name, shard) if kind == "kinesis" else (name,)
        bounds, created = _RANGES[kind]
        first, last = connection.execute(bounds, (*key, position(kind, after))).fetchone()
        if first is not None:
            count += last - first + 1
            arrivals.append(connection.execute(created, (*key, first)).fetchone()[0])
    for queue in queues:
        sql = "SELECT count(*) FROM messages WHERE queue = ?"
        count += connection.execute(sql, (queue,)).fetchone()[0]
    return json.dumps({"count": count, "oldest": min(arrivals, default=None)}).encode()
