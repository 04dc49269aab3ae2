"""DuckDB as a statement of Athena's finds it."""

from __future__ import annotations

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
CREATE TEMP MACRO trino_divide(n, d) AS CASE
    WHEN d = 0 THEN error('DIVISION_BY_ZERO: Division by zero')
    ELSE (2 * abs(n) + abs(d)) // (2 * abs(d)) * sign(n) * sign(d)
END
"""


def connect(folder: str | None = None) -> Any:
    """A database of its own in memory, in UTC; spills into a folder where one is given.

    It reads and writes no file else and opens no connection: rows come from what is registered.
    Whatever a statement says, that cannot be changed.
    """
    settings = dict(_SETTINGS) | ({"temp_directory": folder} if folder else {})
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET default_null_order = 'nulls_last'")
    connection.execute(_MACROS)
    connection.create_function("trino_double_text", double_text, ["DOUBLE"], "VARCHAR")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def require_one_query(connection: Any, sql: str) -> None:
    """Raises QueryError where DuckDB sees more than one SELECT: `execute` would run them all."""
    kinds = [statement.type for statement in connection.extract_statements(sql)]
    if kinds != [duckdb.StatementType.SELECT]:
        raise QueryError("SYNTAX_ERROR", "Only one sql statement is allowed")
