"""Checks the texts that sqlglot copies into DuckDB's SQL verbatim.

sqlglot copies units of time, kinds of joins and frames, numbers, and names of types. Each of these
must be on a list. Other names and strings need no check, since they are always quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from embedded_aws.athena.engine.failures import unsupported

_UNITS = frozenset(
    [
        *("MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"),
        *("DAY_OF_MONTH", "DAY_OF_WEEK", "DAY_OF_YEAR", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR"),
        *("DAYOFWEEKISO", "DAYOFWEEK_ISO", "DOW", "DOY"),
    ]
)
"""The allowed contents of a Var node, which Athena's SQL uses only for units of time."""

_WORDS = frozenset(
    [
        *("CROSS", "FULL", "INNER", "LEFT", "NATURAL", "OUTER", "RIGHT"),
        *("CURRENT ROW", "FOLLOWING", "GROUPS", "OVER", "PRECEDING", "RANGE", "ROWS", "UNBOUNDED"),
        *("BOTH", "LEADING", "TRAILING"),
        *("FIRST", "NEXT"),
    ]
)
"""The allowed words in other nodes: joins, frames, TRIM and FETCH."""

_TYPES = frozenset(
    [
        *("BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL"),
        *("CHAR", "VARCHAR", "TEXT", "ARRAY"),
        *("DATE", "TIME", "TIMETZ", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPLTZ"),
    ]
)
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def require_listed(tree: exp.Expression) -> None:
    """Raise QueryError if a copied text is not on its list. Remove comments, in place."""
    for node in tree.walk():
        node.comments = None
        if not isinstance(node.args.get("order"), (exp.Order, type(None))):
            raise unsupported(f"the order of {node.key.upper()}")
        for name, value in _values(node):
            if not _is_listed(node, name, value):
                raise unsupported(f"{node.key.upper()} with {str(value)[:60]!r}")


def _values(node: exp.Expression) -> Iterator[tuple[str, Any]]:
    for name, value in node.args.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None and not isinstance(one, (bool, exp.Expression)):
                yield name, one


def _is_listed(node: exp.Expression, name: str, value: Any) -> bool:
    if isinstance(node, exp.DataType) and name == "this":
        return getattr(value, "value", None) in _TYPES
    if not isinstance(value, str):
        return False
    if name == "this" and isinstance(node, exp.Identifier):
        return "\0" not in value
    if name == "this" and isinstance(node, exp.Literal):
        return "\0" not in value if node.is_string else bool(_NUMBER.fullmatch(value))
    allowed = _UNITS if isinstance(node, exp.Var) else _WORDS
    return value.upper() in allowed
