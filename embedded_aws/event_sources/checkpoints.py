"""Stores the reading position of each shard, so that it survives restarts."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from embedded_aws.errors import CheckpointsError
from untrusted.printable import in_line
from untrusted.schemas import SchemaError, refuse_foreign

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS checkpoints ("
    "mapping TEXT, shard TEXT, checkpoint TEXT, PRIMARY KEY (mapping, shard))"
)

ENDED = "SHARD_END"
"""The checkpoint of a closed shard all of whose records are finished."""


class Checkpoints:
    """Checkpoints by mapping and shard, in the SQLite file at `path`, or in memory for None.

    `failed` is called if the file cannot be written. Raises CheckpointsError if the file was not
    written by this class.
    """

    def __init__(self, path: Path | None, failed: Callable[[str], None] = lambda _: None) -> None:
        self._path = path
        self._failed = failed
        self._closed = False
        self._connection = sqlite3.connect(
            ":memory:" if path is None else str(path), check_same_thread=False, isolation_level=None
        )
        self._lock = threading.Lock()
        try:
            self._prepare()
        except (SchemaError, sqlite3.DatabaseError) as error:
            self._connection.close()
            reason = in_line(str(error))
            raise CheckpointsError(f"{path}: not a Ticktape database ({reason})") from error

    def _prepare(self) -> None:
        refuse_foreign(self._connection, _SCHEMA)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(_SCHEMA)

    def get(self, mapping: str, shard: str) -> str | None:
        """Return the last checkpoint of a shard, or None if there is none."""
        with self._lock:
            row = self._connection.execute(
                "SELECT checkpoint FROM checkpoints WHERE mapping = ? AND shard = ?",
                (mapping, shard),
            ).fetchone()
        return row[0] if row else None

    def put(self, mapping: str, shard: str, checkpoint: str) -> None:
        """Store a shard's checkpoint, which is durable when this returns.

        After `close`, or if the file cannot be written, the checkpoint stays unchanged. Later
        records are then delivered again.
        """
        with self._lock:
            if self._closed:
                return
            try:
                self._connection.execute(
                    "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)",
                    (mapping, shard, checkpoint),
                )
            except sqlite3.OperationalError as error:
                self._failed(f"{self._path} cannot be written any more ({error})")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._closed = True
            self._connection.close()
