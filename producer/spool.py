"""The spool: unacknowledged lines on disk, kept across restarts.

SQLite runs in write-ahead mode. A commit survives a crash of the process, and all but the very last
commits survive a crash of the machine. A batch of lines, its position in the recording and the
symbols' last timestamps are one transaction.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import msgspec

from producer.errors import SpoolError, UsageError
from producer.spool_rows import Dropped, drop_odd_rows
from producer.wire import Line
from untrusted.journals import names_super_journal
from untrusted.schemas import SchemaError, refuse_foreign

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lines (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    symbol TEXT NOT NULL, payload BLOB NOT NULL, is_bar INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS latest (symbol TEXT PRIMARY KEY, timestamp TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_LOCK_SECONDS = 0.5
_OWN_FILE = 0o600
"""Closed to other users; SQLite gives its log the same mode."""

_ENDS = ("", "-wal", "-shm", "-journal")
"""Suffixes of a database's files."""


def _is_own(file: Path) -> bool:
    """Return whether a file is regular (not a link) and belongs to this user."""
    found = file.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid()


class Spool:
    """Lines on disk, in the order of their rows. Safe for several threads of one process.

    `destination` names the sink; lines spooled for one sink are not sent to another. Raises
    UsageError if the file is unusable or another process uses it.
    """

    def __init__(self, path: str | Path, destination: str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        try:
            self.connection = self._open()
            self._claim(destination)
        except (SchemaError, sqlite3.Error) as error:
            raise UsageError(f"--spool: {path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        self._refuse_foreign_journal()
        with suppress(OSError):  # SQLite's next call reports a failure
            self._refuse_open_folder()
            self._path.touch(_OWN_FILE)
            self._refuse_another_users()
            self._close_to_others()
        connection = sqlite3.connect(
            self._path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        refuse_foreign(connection, _SCHEMA)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(_SCHEMA)
        self._refuse_another_users()  # by now SQLite has created its log
        return connection

    def _refuse_foreign_journal(self) -> None:
        real = self._path.resolve()  # SQLite looks for a journal next to this path
        journal = real.with_name(real.name + "-journal")
        try:
            deletes = journal.is_file() and names_super_journal(journal)
        except OSError as error:
            raise UsageError(f"--spool: {journal}: {error.strerror}") from error
        if deletes:
            raise UsageError(
                f"--spool: {journal} would have SQLite delete another file; give another file"
            )

    def _refuse_open_folder(self) -> None:
        """Raise UsageError if other users may rename files in the folder: they could replace the
        spool."""
        folder = self._path.resolve().parent
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise UsageError(
                f"--spool: any user may replace files in {folder}; give a file in a folder of your"
                " own"
            )

    def _refuse_another_users(self) -> None:
        """Raise UsageError if a file belongs to another user. The owner could read what is sent.
        The owner could also send lines in our name, since SQLite applies the file's log."""
        real = self._path.resolve()
        for end in _ENDS:
            file = real.with_name(real.name + end)
            if os.path.lexists(file) and not _is_own(file):
                raise UsageError(
                    f"--spool: {file} belongs to another user; give a file of your own"
                )

    def _close_to_others(self) -> None:
        """Make the files unreadable for other users. Earlier versions left the file and its log
        readable."""
        for end in _ENDS:
            file = self._path.with_name(self._path.name + end)
            if file.is_file():
                file.chmod(_OWN_FILE)

    def _claim(self, destination: str) -> None:
        before = self.fact("destination")
        if before not in (None, destination) and self.count():
            raise UsageError(
                f"--spool: {self._path} holds {self.count()} lines for {before}; "
                f"send them there first, or give another file for {destination}"
            )
        with self._lock, self.connection:
            self._set("destination", destination)

    def append(
        self, lines: Sequence[Line], latest: Mapping[str, str], facts: Mapping[str, str]
    ) -> list[Line]:
        """Store lines and return them with their rows. `latest` and `facts` replace the stored
        values. Raises SpoolError if the file cannot be written; then nothing is stored."""
        with self._transaction():
            stored = [self._insert(line) for line in lines]
            for symbol, timestamp in latest.items():
                self.connection.execute(
                    "INSERT OR REPLACE INTO latest VALUES (?, ?)", (symbol, timestamp)
                )
            for name, value in facts.items():
                self._set(name, value)
        return stored

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what the context writes, or none of it. Raises SpoolError if that fails."""
        with self._lock:
            try:
                self.connection.execute("BEGIN")
                yield
                self.connection.execute("COMMIT")
            except sqlite3.Error as error:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise SpoolError(f"--spool: {self._path}: {error}") from error

    def _insert(self, line: Line) -> Line:
        cursor = self.connection.execute(
            "INSERT INTO lines (symbol, payload, is_bar) VALUES (?, ?, ?)",
            (line.symbol, line.payload, line.is_bar),
        )
        return msgspec.structs.replace(line, row=cursor.lastrowid)

    def _set(self, name: str, value: str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def delete(self, rows: Iterable[int]) -> None:
        """Delete acknowledged lines by their rows. Raises SpoolError if the file cannot be
        written."""
        with self._transaction():
            self.connection.executemany("DELETE FROM lines WHERE row = ?", [(row,) for row in rows])

    def drop_odd_rows(self, now: datetime) -> Dropped:
        """Delete rows that this program would not have written; see `spool_rows.drop_odd_rows`.
        Raises UsageError if the file cannot be read or written."""
        with self._lock:
            try:
                return drop_odd_rows(self.connection, now)
            except sqlite3.Error as error:
                raise UsageError(f"--spool: {self._path}: {error}") from error

    def after(self, row: int, count: int) -> list[Line]:
        """Return up to `count` lines whose rows come after `row`, the oldest first."""
        with self._lock:
            found = self.connection.execute(
                "SELECT symbol, payload, is_bar, row FROM lines WHERE row > ? ORDER BY row LIMIT ?",
                (row, count),
            ).fetchall()
        return [Line(symbol, payload, bool(is_bar), at) for symbol, payload, is_bar, at in found]

    def count(self) -> int:
        """Return the number of stored lines."""
        with self._lock:
            (count,) = self.connection.execute("SELECT count(*) FROM lines").fetchone()
        return int(count)

    def latest(self) -> dict[str, str]:
        """Return each symbol's last stored timestamp."""
        with self._lock:
            return dict(self.connection.execute("SELECT symbol, timestamp FROM latest"))

    def fact(self, name: str) -> str | None:
        """Return a stored fact by its name; None if it is missing."""
        with self._lock:
            row = self.connection.execute(
                "SELECT CAST(value AS BLOB) FROM facts WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else bytes(row[0]).decode(errors="replace")

    def close(self) -> None:
        """Close the spool's file."""
        with self._lock:
            self.connection.close()
