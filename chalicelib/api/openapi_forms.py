"""Makes the basic schemas of the OpenAPI document: strings, numbers, objects and so on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.api.openapi_structs import Schema, schema_of
from chalicelib.domain.field_types import Count, Instant, Price, Symbol


def text(description: str = "", **more: Any) -> Schema:
    """Return the schema of a string."""
    return _described({"type": "string", **more}, description)


def number(description: str = "", **more: Any) -> Schema:
    """Return the schema of a number. Prices and volumes are exact decimals, as they are stored."""
    return _described({"type": "number", **more}, description)


def count(description: str, **more: Any) -> Schema:
    """Return the schema of a whole number that is at least 0."""
    return _described({**COUNT, **more}, description)


def instant(description: str) -> Schema:
    """Return the schema of an instant."""
    return _described(INSTANT, description)


def flag(description: str, **more: Any) -> Schema:
    """Return the schema of a boolean."""
    return _described({**FLAG, **more}, description)


def choice(description: str, allowed: Iterable[str]) -> Schema:
    """Return the schema of a string that is one of the allowed words, or null."""
    return nullable(text(description)) | {"enum": [*allowed, None]}


def nullable(schema: Schema) -> Schema:
    """Return a schema that also allows null, which stands for an unknown value."""
    return {**schema, "type": [schema["type"], "null"]}


def record(properties: dict[str, Schema], description: str = "", **more: Any) -> Schema:
    """Return the schema of an object. All properties are required, unless `required` names those
    that are."""
    required = {"required": list(properties)} if properties else {}
    return _described({"type": "object", "properties": properties, **required, **more}, description)


def array(items: Schema, description: str = "", **more: Any) -> Schema:
    """Return the schema of an array."""
    return _described({"type": "array", "items": items, **more}, description)


def list_of(name: str) -> Schema:
    """Return the schema of an array of objects with the schema called `name`."""
    return array(ref(name))


def ref(name: str) -> Schema:
    """Return a reference to the schema called `name`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description} if description else schema


SYMBOL = schema_of(Symbol)
SYMBOL_GIVEN = text(pattern="^[A-Za-z0-9.\\-=^_]{1,24}$", examples=["AAPL"])
INSTANT = schema_of(Instant)
PRICE = schema_of(Price)
FLAG: Schema = {"type": "boolean"}
COUNT = schema_of(Count)
TOKEN = nullable(text("Pass it as page_token to get the next page; null on the last one."))
