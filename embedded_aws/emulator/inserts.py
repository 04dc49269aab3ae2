"""Speeds up PartiQL's INSERT in batches: moto would load all tables for each statement.

Statements of any other form go to moto.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType

MOST_STATEMENTS = 25

_INSERT = re.compile(r"""INSERT INTO "([\w.-]+)" VALUE \{((?:'[^']+': \?(?:, )?)+)\}""")
_NAME = re.compile(r"'([^']+)'")


def install() -> None:
    """Install the patch."""
    of_moto = DynamoDBBackend.batch_execute_statement

    def batch_execute_statement(self: Any, statements: Sequence[dict[str, Any]]) -> Any:
        if len(statements) > MOST_STATEMENTS:
            raise MockValidationException(
                f"Member must have length less than or equal to {MOST_STATEMENTS}"
            )
        found = [_INSERT.fullmatch(given["Statement"]) for given in statements]
        if not all(found):
            return of_moto(self, statements)
        return [
            _insert(self, match[1], _NAME.findall(match[2]), given.get("Parameters", []))
            for match, given in zip(found, statements, strict=True)
            if match is not None
        ]

    DynamoDBBackend.batch_execute_statement = batch_execute_statement


def _insert(
    backend: Any, table_name: str, names: Sequence[str], parameters: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Insert an item, and return the statement's response in AWS's words."""
    table = backend.tables.get(table_name)
    if table is None:
        return _refused("ResourceNotFound", "Requested resource not found", table_name)
    keys = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
    if len(names) != len(parameters) or not set(keys) <= set(names):
        return _refused("ValidationError", "Statement and parameters do not fit", table_name)
    item = dict(zip(names, parameters, strict=True))
    if table.get_item(*(DynamoType(item[key]) for key in keys)) is not None:
        return _refused("DuplicateItem", "Duplicate primary key exists in table", table_name)
    table.put_item(item, overwrite=True)
    return {"TableName": table_name}


def _refused(code: str, message: str, table_name: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}, "TableName": table_name}
