"""Evaluates PartiQL's INSERT in memory, in the form that the adapters use.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rigs.memory_aws.tables import Item, Table

_INSERT = re.compile(r"""INSERT INTO "([^"]+)" VALUE \{('[^']+': \?(?:, '[^']+': \?)*)\}""")


def parsed(statement: Mapping[str, Any]) -> tuple[str, Item]:
    """Return a statement's table and item. Raises ValueError for a statement of another form."""
    found = _INSERT.fullmatch(statement["Statement"])
    if found is None:
        raise ValueError(f"unknown statement: {statement['Statement']}")
    names = re.findall(r"'([^']+)'", found[2])
    return found[1], dict(zip(names, statement["Parameters"], strict=True))


def inserted(tables: Mapping[str, Table], statement: Mapping[str, Any]) -> dict[str, Any]:
    """Insert the item and return the statement's response. If the key exists, return a refusal."""
    name, item = parsed(statement)
    if tables[name].key_of(item) in tables[name].items:
        return refusal("DuplicateItem", name)
    tables[name].put(item)
    return {"TableName": name}


def refusal(code: str, table: str) -> dict[str, Any]:
    """Return the response for a statement that failed."""
    return {"Error": {"Code": code, "Message": code}, "TableName": table}
