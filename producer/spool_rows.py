"""Deletes rows of a spool that this program would never have written.

A spool may come from an earlier version, or from somebody else. Unusable rows would block the lines
behind them, end the program, or misdate ticks. So they are deleted when the spool is opened.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.times import is_instant, to_text
from producer.hygiene import FUTURE_SECONDS
from producer.wire import MOST_LINE_BYTES

_MOST_SYMBOL = 24
_LAST_ROW = 2**62
"""Far from SQLite's last row number, 2**63 - 1, after which it can insert nothing."""

_DIGIT = "[0-9]"
_DATE = f"{_DIGIT * 4}-{_DIGIT * 2}-{_DIGIT * 2}"
_TIMESTAMP = f"{_DATE}T{_DIGIT * 2}:{_DIGIT * 2}:{_DIGIT * 2}.{_DIGIT * 6}Z"

_IS_SYMBOL = (
    "typeof(symbol) = 'text' AND length(symbol) BETWEEN 1 AND ? AND instr(symbol, char(0)) = 0"
    " AND symbol GLOB '*[A-Z0-9]*' AND symbol NOT GLOB '*[^A-Z0-9.=^_-]*'"
)


class Dropped(msgspec.Struct, frozen=True):
    """The number of deleted lines, and the number of deleted last timestamps."""

    lines: int
    latest: int


def drop_odd_rows(connection: sqlite3.Connection, now: datetime) -> Dropped:
    """Delete lines that cannot be sent or read, and last timestamps that no tick can have yet.
    Payloads are decoded, not parsed."""
    connection.create_function("is_utf8", 1, _is_utf8, deterministic=True)
    lines = connection.execute(
        "DELETE FROM lines WHERE typeof(payload) <> 'blob' OR length(payload) > ?"  # noqa: S608  # nosec B608
        f" OR row NOT BETWEEN 1 AND ? OR typeof(is_bar) <> 'integer' OR NOT ({_IS_SYMBOL})"
        " OR NOT is_utf8(payload)",
        (MOST_LINE_BYTES, _LAST_ROW, _MOST_SYMBOL),
    ).rowcount
    _number_on(connection)
    return Dropped(lines, _drop_latest(connection, now))


def _number_on(connection: sqlite3.Connection) -> None:
    """If the counter of rows is invalid or past _LAST_ROW, continue from the last line's number."""
    connection.execute(
        "UPDATE sqlite_sequence SET seq = (SELECT coalesce(max(row), 0) FROM lines)"
        " WHERE name = 'lines' AND (typeof(seq) <> 'integer' OR seq NOT BETWEEN 0 AND ?)",
        (_LAST_ROW,),
    )


def _drop_latest(connection: sqlite3.Connection, now: datetime) -> int:
    newest = to_text(now + timedelta(seconds=FUTURE_SECONDS))
    formless = connection.execute(
        "DELETE FROM latest WHERE typeof(timestamp) <> 'text' OR timestamp NOT GLOB ?"  # noqa: S608  # nosec B608
        " OR instr(timestamp, char(0)) > 0"
        f" OR timestamp > ? OR NOT ({_IS_SYMBOL})",
        (_TIMESTAMP, newest, _MOST_SYMBOL),
    ).rowcount
    found = connection.execute("SELECT symbol, timestamp FROM latest")
    impossible = [(symbol,) for symbol, timestamp in found if not is_instant(timestamp)]
    connection.executemany("DELETE FROM latest WHERE symbol = ?", impossible)
    return formless + len(impossible)


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
