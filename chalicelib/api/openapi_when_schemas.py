"""Schemas of the JSON form of `when`, made from the catalogue of values."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.api.openapi_forms import array, nullable, record, ref, text
from chalicelib.api.openapi_structs import Schema
from chalicelib.domain.when.catalogue import CATALOGUE, FIELDS, INTERVALS, Number
from chalicelib.domain.when.json_form import MAX_PARTS
from chalicelib.domain.when.lexing import MAX_TEXT
from chalicelib.domain.when.nodes import ARITHMETIC, COMPARISONS, EDGES, GROUPS, LASTING, MAX_BARS

MAX_WHEN = MAX_TEXT

_CONDITION = ref("When")
_EXPRESSION = ref("WhenValue")


def _node(ops: Iterable[str], needed: Schema, description: str) -> Schema:
    properties = {"op": {"enum": list(ops)}, **needed}
    return record(properties, description, additionalProperties=False)


def _number(one: Number) -> Schema:
    usual: Schema = {} if one.default is None else {"default": int(one.default)}
    if one.whole:
        return {"type": "integer", "minimum": 1, "maximum": one.most, **usual}
    return {"type": "number", "exclusiveMinimum": 0, "maximum": one.most, **usual}


def _value(name: str) -> Schema:
    entry = CATALOGUE[name]
    numbers = {one.name: _number(one) for one in entry.numbers}
    properties: Schema = {"value": {"const": name}, **numbers}
    if entry.of:
        usual = {} if entry.must_choose else {"default": entry.of}
        properties["of"] = {"enum": list(FIELDS), **usual}
    properties |= {
        "interval": {"enum": list(INTERVALS), "description": "That of the rule by default."},
        "symbol": {"type": "string", "description": "The rule's own by default."},
        "ago": {"type": "integer", "minimum": 0, "maximum": MAX_BARS, "description": "Bars back."},
    }
    required = ["value", *(one.name for one in entry.numbers if one.default is None)]
    return record(
        properties,
        f"{entry.words[0].upper()}{entry.words[1:]}.",
        required=[*required, *(["of"] if entry.must_choose else [])],
        additionalProperties=False,
    )


_PAIR: Schema = {"left": _EXPRESSION, "right": _EXPRESSION}
_BARS: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_BARS}

WHEN: dict[str, Schema] = {
    "When": {
        "description": "A condition: true, false, or unknown while a value is.",
        "oneOf": [
            _node(COMPARISONS, _PAIR, "Compares two values; crosses also at the bar before."),
            _node(
                EDGES,
                {"of": _EXPRESSION, "low": _EXPRESSION, "high": _EXPRESSION},
                "A value enters or leaves a range.",
            ),
            _node(
                GROUPS,
                {"of": array(_CONDITION, minItems=2, maxItems=MAX_PARTS)},
                "All or any of some conditions.",
            ),
            _node(("not",), {"of": _CONDITION}, "The opposite."),
            _node(
                LASTING,
                {"bars": _BARS, "of": _CONDITION},
                "At each of the last bars, or at one of them.",
            ),
        ],
    },
    "WhenValue": {
        "description": "A number, a value of the catalogue, or arithmetic.",
        "oneOf": [
            {"type": "number"},
            _node(ARITHMETIC, _PAIR, "Arithmetic of two values."),
            *map(_value, CATALOGUE),
        ],
    },
}

PREVIEWED_WHEN = nullable(
    record(
        {
            "text": text(),
            "tree": _CONDITION,
            "needs": array(text(), "The stored bars that it needs, by series."),
        },
        "The condition `when` in both forms; null for other conditions.",
    )
)
