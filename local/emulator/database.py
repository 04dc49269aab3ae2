"""The SQLite file in which the emulator keeps items, stream records and objects.

Every request to the emulator is one transaction, committed before its answer leaves: what was
acknowledged is in the file, and a process that is killed leaves nothing half done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.emulator import older_files

FORMAT = 2
"""Raised when the tables change in a way that an older file does not fit. Format 1 is converted."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    tbl TEXT NOT NULL, h TEXT NOT NULL, r TEXT NOT NULL, item BLOB NOT NULL, expires INTEGER,
    PRIMARY KEY (tbl, h, r)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS index_entries (
    tbl TEXT NOT NULL, idx TEXT NOT NULL, ih TEXT NOT NULL, ir TEXT NOT NULL,
    h TEXT NOT NULL, r TEXT NOT NULL,
    PRIMARY KEY (tbl, idx, ih, ir, h, r)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item_changes (
    tbl TEXT NOT NULL, seq INTEGER NOT NULL, created REAL NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (tbl, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    stream TEXT NOT NULL, shard TEXT NOT NULL, seq INTEGER NOT NULL, created REAL NOT NULL,
    partition_key TEXT NOT NULL, hash_key TEXT, data BLOB NOT NULL,
    PRIMARY KEY (stream, shard, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, name TEXT NOT NULL, versions BLOB NOT NULL, written REAL,
    PRIMARY KEY (bucket, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    queue TEXT NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, message BLOB NOT NULL,
    PRIMARY KEY (queue, id)
) WITHOUT ROWID;
"""


_ADDED = (("items", "expires", "INTEGER"), ("objects", "written", "REAL"))
"""Columns that the tables of older files lack."""

_INDEXES = """
CREATE INDEX IF NOT EXISTS items_by_expiry ON items (tbl, expires) WHERE expires IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_age ON objects (bucket, written, name);
"""

_LONGEST_LOG_BYTES = 16 * 1024 * 1024
"""The write-ahead log is cut back to this once its pages are in the file."""


class DatabaseError(Exception):
    """The file is not one of ours, or of another format. The message names it."""


_CANNOT_WRITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def cannot_write(error: sqlite3.Error) -> bool:
    """Whether the disk is full or fails, as against a statement that is wrong."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CANNOT_WRITE


class _Connection(sqlite3.Connection):
    """Calls `failed` where a write fails for want of room, before the error goes on."""

    failed: Callable[[], None] = staticmethod(lambda: None)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        try:
            return super().execute(*arguments)
        except sqlite3.OperationalError as error:
            self._judge(error)
            raise

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        try:
            return super().executemany(*arguments)
        except sqlite3.OperationalError as error:
            self._judge(error)
            raise

    def _judge(self, error: sqlite3.OperationalError) -> None:
        if cannot_write(error):
            self.failed()


def connect(path: Path | None, failed: Callable[[], None] = lambda: None) -> sqlite3.Connection:
    """Open, or create, the file at `path`; None means one that disappears at the end.

    `failed` is called when the disk is full or fails. Raises DatabaseError when the file is no
    database or has another format.
    """
    # An empty name is SQLite's private file on disk, unlinked from the start.
    connection = sqlite3.connect(
        "" if path is None else str(path),
        check_same_thread=False,
        isolation_level=None,
        factory=_Connection,
    )
    connection.failed = failed
    try:
        _refuse_foreign(connection, path)
        # In a file that is there already it changes nothing: freed pages are used again at least.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL" if path else "PRAGMA journal_mode = OFF")
        connection.execute(f"PRAGMA journal_size_limit = {_LONGEST_LOG_BYTES}")
        if path is None:
            connection.execute("PRAGMA journal_mode = MEMORY")
        # A power cut may lose the last transactions, the end of a process none.
        connection.execute("PRAGMA synchronous = NORMAL" if path else "PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -16384")
        connection.executescript(_SCHEMA)
        _check_format(connection, path)
        _add_columns(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        if cannot_write(error):
            raise DatabaseError(f"{path}: cannot be written ({error})") from error
        raise DatabaseError(f"{path}: not a Ticktape database ({error})") from error
    return connection


def _refuse_foreign(connection: sqlite3.Connection, path: Path | None) -> None:
    """Before anything is written: another program's database is not ours to change."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if found and ("meta",) not in found:
        raise DatabaseError(f"{path}: not a Ticktape database; it is left as it was")


def _check_format(connection: sqlite3.Connection, path: Path | None) -> None:
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (str(FORMAT),))
    found = meta(connection, "format")
    if found == "1":
        _convert(connection, path)
        return
    if found != str(FORMAT):
        raise DatabaseError(f"{path}: format {found}, this version reads {FORMAT}")


def _convert(connection: sqlite3.Connection, path: Path | None) -> None:
    connection.execute("BEGIN")
    try:
        older_files.convert(connection)
        put_meta(connection, "format", str(FORMAT))
    except older_files.OlderFileError as error:
        connection.execute("ROLLBACK")
        raise DatabaseError(f"{path}: {error}") from error
    connection.execute("COMMIT")


def _add_columns(connection: sqlite3.Connection) -> None:
    """Bring the tables of an older file up to date; sweeping fills the new columns."""
    for table, column, kind in _ADDED:
        found = connection.execute(f"PRAGMA table_info({table})").fetchall()
        if column not in [row[1] for row in found]:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    connection.executescript(_INDEXES)


def meta(connection: sqlite3.Connection, name: str) -> str | None:
    """The value kept under `name`, or None."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def put_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep `value` under `name`."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def next_number(connection: sqlite3.Connection, name: str, start: int) -> int:
    """Count up under `name`; the first is `start`. Survives deletion of what was numbered."""
    row = connection.execute(
        "INSERT INTO meta VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value",
        (name, str(start)),
    ).fetchone()
    return int(row[0])
