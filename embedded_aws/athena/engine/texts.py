"""Formats values as texts like Athena does, and describes their types with Athena's names."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from embedded_aws.athena.engine.failures import unsupported

_DECIMAL = re.compile(r"(?:decimal128)\((\d+), (-?\d+)\)")


def double_text(value: float) -> str:
    """Format a number as Java's Double.toString does: 1.0, 1.0E7, NaN."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    digits_text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + int(exponent)
    minus = "-" if sign else ""
    if -3 < point <= 7:
        padded = digits_text.ljust(max(point, 0), "0")
        if point <= 0:
            return f"{minus}0.{'0' * -point}{digits_text}"
        return f"{minus}{padded[:point]}.{padded[point:] or '0'}"
    return f"{minus}{digits_text[0]}.{digits_text[1:] or '0'}E{point - 1}"


def value_text(value: Any) -> str | None:
    """Format a value as Athena does in a result. Return None for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, datetime):
        return _timestamp_text(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (int, date)):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(value_text(one) or "null" for one in value) + "]"
    raise unsupported(f"a result of the type {type(value).__name__}")


def _timestamp_text(value: datetime) -> str:
    digits = "milliseconds" if value.microsecond % 1000 == 0 else "microseconds"
    text = value.replace(tzinfo=None).isoformat(" ", digits)
    return text if value.tzinfo is None else text + " UTC"


_TYPES = {
    "string": ("varchar", 2147483647, 0),
    "bool": ("boolean", 0, 0),
    "int8": ("tinyint", 3, 0),
    "int16": ("smallint", 5, 0),
    "int32": ("integer", 10, 0),
    "int64": ("bigint", 19, 0),
    "float": ("float", 17, 0),
    "double": ("double", 17, 0),
    "date32[day]": ("date", 0, 0),
    "null": ("unknown", 0, 0),
}


def type_info(kind: Any) -> tuple[str, int, int]:
    """Return an Arrow type's name, precision and scale in Athena. Raises QueryError."""
    name = str(kind).replace("large_string", "string").replace("string_view", "string")
    if name in _TYPES:
        return _TYPES[name]
    if match := _DECIMAL.fullmatch(name):
        return ("decimal", int(match[1]), int(match[2]))
    if pa.types.is_timestamp(kind):
        return ("timestamp with time zone" if kind.tz else "timestamp", 3, 0)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return ("array", 0, 0)
    raise unsupported(f"a result of the type {name}")
