"""The SQLite file with the emulator's items, stream records and objects.

Each request is one transaction, which is committed before the answer is sent. So the file holds
every acknowledged change, and a killed process leaves no incomplete change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embedded_aws.emulator import older_files, schema
from untrusted.printable import in_line
from untrusted.schemas import SchemaError, refuse_foreign

FORMAT = 2
"""The format of the file. Incompatible changes of its tables increase it. Format 1 is converted."""

_LONGEST_LOG_BYTES = 16 * 1024 * 1024
"""The size to which the write-ahead log is truncated once its pages are in the file."""


class DatabaseError(Exception):
    """The file is not the emulator's, or has an unknown format. The message names the file."""


_CANNOT_WRITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def cannot_write(error: sqlite3.Error) -> bool:
    """Return whether an error means a full or failing disk, and not a wrong statement."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CANNOT_WRITE


class _Connection(sqlite3.Connection):
    """A connection that calls `failed` before it raises an error of a full or failing disk."""

    failed: Callable[[], None] = staticmethod(lambda: None)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        return self._judged(super().execute, *arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        return self._judged(super().executemany, *arguments)

    def _judged(self, work: Callable[..., sqlite3.Cursor], *arguments: Any) -> sqlite3.Cursor:
        try:
            return work(*arguments)
        except sqlite3.OperationalError as error:
            if cannot_write(error):
                self.failed()
            raise


def connect(path: Path | None, failed: Callable[[], None] = lambda: None) -> sqlite3.Connection:
    """Open or create the emulator's file at `path`, or a temporary file if `path` is None.

    `failed` is called when the disk is full or fails. Raises DatabaseError if the file is not a
    database or has an unknown format.
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
        refuse_foreign(connection, schema.TABLES + schema.INDEXES, schema.OLDER)
        # This has no effect on an existing file, which only reuses freed pages.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL" if path else "PRAGMA journal_mode = OFF")
        connection.execute(f"PRAGMA journal_size_limit = {_LONGEST_LOG_BYTES}")
        if path is None:
            connection.execute("PRAGMA journal_mode = MEMORY")
        # A power cut may lose the last transactions; the end of a process loses none.
        connection.execute("PRAGMA synchronous = NORMAL" if path else "PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -16384")
        connection.executescript(schema.TABLES)
        _check_format(connection, path)
        _add_columns(connection)
    except SchemaError as error:
        connection.close()
        text = f"{path}: not a Ticktape database ({in_line(str(error))}); it is left as it was"
        raise DatabaseError(text) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        if cannot_write(error):
            raise DatabaseError(f"{path}: cannot be written ({in_line(str(error))})") from error
        raise DatabaseError(f"{path}: not a Ticktape database ({in_line(str(error))})") from error
    return connection


def _check_format(connection: sqlite3.Connection, path: Path | None) -> None:
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (str(FORMAT),))
    found = meta(connection, "format")
    if found == "1":
        _convert(connection, path)
        return
    if found != str(FORMAT):
        raise DatabaseError(f"{path}: format {in_line(str(found))}, this version reads {FORMAT}")


def _convert(connection: sqlite3.Connection, path: Path | None) -> None:
    try:
        with transaction(connection):
            older_files.convert(connection)
            put_meta(connection, "format", str(FORMAT))
    except older_files.OlderFileError as error:
        raise DatabaseError(f"{path}: {error}") from error


def _add_columns(connection: sqlite3.Connection) -> None:
    """Add the columns that an older file's tables lack. Sweeping fills them."""
    for table, column, kind in schema.ADDED:
        found = connection.execute(f"PRAGMA table_info({table})").fetchall()
        if column not in [row[1] for row in found]:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    connection.executescript(schema.INDEXES)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the context in a transaction, which is rolled back if an error is raised."""
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def meta(connection: sqlite3.Connection, name: str) -> str | None:
    """Return the value stored under a name in the table `meta`, or None."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def put_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Store a value under a name in the table `meta`."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def next_number(connection: sqlite3.Connection, name: str, start: int) -> int:
    """Return the next number of a counter that begins at `start`. A number is never used again,
    even if its row is deleted."""
    row = connection.execute(
        "INSERT INTO meta VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value",
        (name, str(start)),
    ).fetchone()
    return int(row[0])
