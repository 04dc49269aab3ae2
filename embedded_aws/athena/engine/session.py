"""Opens DuckDB databases that are configured like Athena."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.athena.engine.texts import double_text

MEMORY = "1GB"
THREADS = 2

_SETTINGS = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": MEMORY,
    "threads": THREADS,
}
_MACROS = """
CREATE MACRO trino_divide(n, d) AS CASE
    WHEN d = 0 THEN error('DIVISION_BY_ZERO: Division by zero')
    ELSE (2 * abs(n) + abs(d)) // (2 * abs(d)) * sign(n) * sign(d)
END
"""


def connect(folder: str | None = None) -> Any:
    """Open an in-memory DuckDB database in UTC. If `folder` is given, the database spills into it.

    The database can neither access other files nor open network connections, and no statement can
    change that. Rows come only from registered tables.
    """
    settings = dict(_SETTINGS) | ({"temp_directory": folder} if folder else {})
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET GLOBAL default_null_order = 'nulls_last'")
    connection.execute(_MACROS)
    connection.create_function("trino_double_text", double_text, ["DOUBLE"], "VARCHAR")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


class Sessions:
    """DuckDB databases that serve one statement at a time. They are kept for later statements,
    since opening a database takes 20 ms of CPU time."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._idle: list[Any] = []

    @contextmanager
    def borrowed(self) -> Iterator[Any]:
        """Lend a connection to a database that no other statement uses; any thread may interrupt.

        Registered tables disappear with the connection. After an error the database is discarded.
        """
        try:
            database = self._idle.pop()
        except IndexError:
            database = connect(self._folder)
        try:
            with database.cursor() as connection:
                yield connection
        except BaseException:
            database.close()
            raise
        self._idle.append(database)


def require_one_query(connection: Any, sql: str) -> None:
    """Raise QueryError unless DuckDB parses the text as exactly one SELECT: `execute` would run
    every statement in it."""
    kinds = [statement.type for statement in connection.extract_statements(sql)]
    if kinds != [duckdb.StatementType.SELECT]:
        raise QueryError("SYNTAX_ERROR", "Only one sql statement is allowed")
