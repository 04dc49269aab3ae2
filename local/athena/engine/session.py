"""DuckDB as a statement of Athena's finds it."""

from __future__ import annotations

from typing import Any

import duckdb

from local.athena.engine.texts import double_text

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
    """A database of its own in memory, in UTC; spills into a folder where one is given."""
    settings = dict(_SETTINGS) | ({"temp_directory": folder} if folder else {})
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET default_null_order = 'nulls_last'")
    connection.execute(_MACROS)
    connection.create_function("trino_double_text", double_text, ["DOUBLE"], "VARCHAR")
    return connection
