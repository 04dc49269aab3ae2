"""Makes schemas of the OpenAPI document from the structs of answers."""

from __future__ import annotations

from typing import Any

import msgspec

Schema = dict[str, Any]


def properties_of(struct: type[msgspec.Struct]) -> dict[str, Schema]:
    """Return the schemas of a struct's fields, by name.

    Decimals are JSON numbers. A field that may be None has a list of types.
    """
    _, components = msgspec.json.schema_components([struct])
    return {
        name: _plain(schema) for name, schema in components[struct.__name__]["properties"].items()
    }


def schema_of(kind: Any) -> Schema:
    """Return the schema of a type."""
    return _plain(msgspec.json.schema(kind))


def record_of(struct: type[msgspec.Struct], description: str = "") -> Schema:
    """Return the schema of a struct. Fields are optional if the struct omits their defaults."""
    omits = struct.__struct_config__.omit_defaults
    required = [
        field.encode_name for field in msgspec.structs.fields(struct) if field.required or not omits
    ]
    schema = {"type": "object", "properties": properties_of(struct), "required": required}
    return {**schema, "description": description} if description else schema


def _plain(schema: Schema) -> Schema:
    given = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    if "anyOf" in schema:
        known = _plain(schema["anyOf"][0]) | given
        return known | {"type": [known["type"], "null"]}
    if given.get("format") == "decimal":
        return {name: value for name, value in given.items() if name != "format"} | {
            "type": "number"
        }
    return given
