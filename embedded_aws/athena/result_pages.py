"""Answers GetQueryResults: splits a result file into pages of Athena's JSON."""

from __future__ import annotations

import re
from typing import Any

from embedded_aws.athena.errors import InvalidRequestError

MOST_ROWS = 1000

_FIELD = re.compile(rb'(?:"((?:[^"]|"")*)")?(,|\n)')


def page(execution: dict[str, Any], body: bytes, request: dict[str, Any]) -> dict[str, Any]:
    """Return one page of a result file's rows. A page's token is its offset in the file.

    Raises InvalidRequestError if the request has an invalid token or size.
    """
    most = request.get("MaxResults", MOST_ROWS)
    if not isinstance(most, int) or not 1 <= most <= MOST_ROWS:
        raise InvalidRequestError(f"MaxResults: {most!r}; allowed: 1 to {MOST_ROWS}")
    offset = _offset(request.get("NextToken"), len(body))
    quoted = execution["_output"].endswith(".csv")
    rows, offset = _csv(body, offset, most) if quoted else _text(body, offset, most)
    answer: dict[str, Any] = {
        "UpdateCount": execution.get("_update_count", 0),
        "ResultSet": {
            "Rows": [{"Data": [_datum(value) for value in row]} for row in rows],
            "ResultSetMetadata": {"ColumnInfo": [_info(*c) for c in execution["_columns"]]},
        },
    }
    if offset < len(body):
        answer["NextToken"] = str(offset)
    return answer


def _offset(token: str | None, size: int) -> int:
    if token is None:
        return 0
    if not token.isdecimal() or int(token) > size:
        raise InvalidRequestError(f"NextToken: {token!r} is none of this query's")
    return int(token)


def _csv(body: bytes, offset: int, most: int) -> tuple[list[list[str | None]], int]:
    rows: list[list[str | None]] = []
    row: list[str | None] = []
    while len(rows) < most and (match := _FIELD.match(body, offset)):
        value = match[1]
        row.append(None if value is None else value.replace(b'""', b'"').decode())
        offset = match.end()
        if match[2] == b"\n":
            rows.append(row)
            row = []
    return rows, offset


def _text(body: bytes, offset: int, most: int) -> tuple[list[list[str | None]], int]:
    rows: list[list[str | None]] = []
    while len(rows) < most and offset < len(body):
        end = body.index(b"\n", offset)
        rows.append(list(body[offset:end].decode().split("\t")))
        offset = end + 1
    return rows, offset


def _datum(value: str | None) -> dict[str, str]:
    return {} if value is None else {"VarCharValue": value}


def _info(name: str, kind: str, precision: int, scale: int) -> dict[str, Any]:
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind in ("varchar", "char"),
    }
