"""Where each shard's reading stands, kept over a restart."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

ENDED = "SHARD_END"
"""The checkpoint of a closed shard whose records are all finished."""


class Checkpoints:
    """Checkpoints by mapping and shard, in the SQLite file at `path`; None keeps none."""

    def __init__(self, path: Path | None) -> None:
        self._connection = sqlite3.connect(
            ":memory:" if path is None else str(path), check_same_thread=False, isolation_level=None
        )
        self._lock = threading.Lock()
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS checkpoints ("
            "mapping TEXT, shard TEXT, checkpoint TEXT, PRIMARY KEY (mapping, shard))"
        )

    def get(self, mapping: str, shard: str) -> str | None:
        """The last checkpoint, or None before the first."""
        with self._lock:
            row = self._connection.execute(
                "SELECT checkpoint FROM checkpoints WHERE mapping = ? AND shard = ?",
                (mapping, shard),
            ).fetchone()
        return row[0] if row else None

    def put(self, mapping: str, shard: str, checkpoint: str) -> None:
        """Remember; durable when it returns."""
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)", (mapping, shard, checkpoint)
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
