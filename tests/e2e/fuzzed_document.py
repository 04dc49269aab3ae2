"""The OpenAPI document from which the short run derives requests: with fewer trees of `when`.

schemathesis derives cases for every property of every variant. The values of the catalogue are
variants, and conditions compare, add and group them, so that `POST /rules` has 38,000 cases.
"""

from __future__ import annotations

import copy
from typing import Any

Schema = dict[str, Any]

REF = "#/components/schemas/"
BODIES = ("RuleGiven", "PreviewGiven")


def with_few_trees(document: Schema) -> Schema:
    """Return the document, in which bodies of rules have a tree of `when` of each form, with plain
    parts and one value for each set of fields."""
    made = copy.deepcopy(document)
    schemas = made["components"]["schemas"]
    number, arithmetic, *values = schemas["WhenValue"]["oneOf"]
    compared, edge, group, negated, lasting = schemas["When"]["oneOf"]
    plain = _with(compared, left=number, right=number)
    left = [_with(arithmetic, left=number, right=number), *_of_most_fields(values)]
    sent = [
        _with(compared, left={"oneOf": left}, right=number),
        _with(edge, of=number, low=number, high=number),
        _with(group, of={**group["properties"]["of"], "items": plain}),
        _with(negated, of=plain),
        _with(lasting, of=plain),
    ]
    for name in BODIES:
        when = schemas[name]["properties"]["when"]
        when["anyOf"] = [_few(one, sent) for one in when["anyOf"]]
    return made


def _few(schema: Schema, sent: list[Schema]) -> Schema:
    """These trees in the place of all."""
    return {"oneOf": sent} if schema == {"$ref": f"{REF}When"} else schema


def _with(node: Schema, **parts: Schema) -> Schema:
    """The node with these parts."""
    assert parts.keys() <= node["properties"].keys()
    return {**node, "properties": {**node["properties"], **parts}}


def _of_most_fields(values: list[Schema]) -> list[Schema]:
    """The first value of each set of fields that no other value's fields contain."""
    sets = [frozenset(value["properties"]) for value in values]
    return [
        value
        for n, value in enumerate(values)
        if sets[n] not in sets[:n] and not any(sets[n] < other for other in sets)
    ]
