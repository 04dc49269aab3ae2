"""Checks the schema of an SQLite file of unknown origin.

SQLite executes parts of a schema: triggers, views and expressions in columns, indexes and checks.
They could use all memory and time. So a file with anything but our own tables and indexes is
refused before any other statement runs (https://www.sqlite.org/security.html).
"""

from __future__ import annotations

import sqlite3

_LONGEST_ENTRY_BYTES = 100_000


class SchemaError(Exception):
    """The file has an entry that our files never have. The message names the entry."""


def refuse_foreign(connection: sqlite3.Connection, *ours: str) -> None:
    """Raise SchemaError unless each entry of a file's schema equals one in the scripts `ours`.

    Raises sqlite3.Error if the file is not a database.
    """
    connection.execute("PRAGMA trusted_schema = OFF")
    before = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_ENTRY_BYTES)
    found = _entries(connection)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)
    foreign = found - {entry for script in ours for entry in _made_by(script)}
    if foreign:
        kind, name, *_ = min(foreign, key=lambda entry: (entry[3] is None, repr(entry)))
        raise SchemaError(f"{str(kind)[:20]!r} {str(name)[:60]!r} is not ours")


def _made_by(script: str) -> set[tuple[object, ...]]:
    made = sqlite3.connect(":memory:")
    made.executescript(script)
    entries = _entries(made)
    made.close()
    return entries


def _entries(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    """Return each entry's kind, name, table and statement with single spaces between words."""
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return {(*names, sql and " ".join(str(sql).split())) for *names, sql in found}
