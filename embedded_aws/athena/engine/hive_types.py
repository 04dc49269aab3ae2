"""Converts Hive types, as Glue names them, to Arrow types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from embedded_aws.athena.engine.failures import unsupported

_SIMPLE = {
    "string": pa.string(),
    "varchar": pa.string(),
    "char": pa.string(),
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_PARAMETERS = re.compile(r"(\w+)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")


def to_arrow_schema(columns: Iterable[tuple[str, str]]) -> Any:
    """Return the Arrow schema for columns of Hive types. Raises QueryError as `to_arrow` does."""
    return pa.schema([(name, to_arrow(hive)) for name, hive in columns])


def to_arrow(hive: str) -> Any:
    """Return the Arrow type of a Hive type. Raises QueryError for nested and unknown types."""
    match = _PARAMETERS.fullmatch(hive)
    if match and match[1] == "decimal":
        return pa.decimal128(int(match[2]), int(match[3] or 0))
    if hive == "decimal":
        return pa.decimal128(10, 0)
    found = _SIMPLE.get(match[1] if match else hive)
    if found is None:
        raise unsupported(f"the column type {hive}")
    return found
