"""Checks that the types in a statement are compatible, and rewrites its casts to Trino's rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from embedded_aws.athena.engine import vocabulary
from embedded_aws.athena.engine.failures import QueryError, unsupported
from embedded_aws.athena.engine.forms import call, cast, if_like, is_done, text
from embedded_aws.athena.engine.typing import Kind, Types, unexpected

_INTEGER_TEXT = r"^[+-]?[0-9]+$"
_NUMBER_TEXT = r"^([+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|[+-]?Infinity)$"
_DATE_TEXT = r"^\s*[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}\s*$"
_TIME_TEXT = (
    r"^[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,9})?)?)?$"
)
_ZONED_TEXT = _TIME_TEXT[:-1] + r"( ?([+-][0-9]{1,2}:[0-9]{2}|UTC|Z))?$"

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like)
_SIGNS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "like": "LIKE"}


def check_and_convert(tree: exp.Expression, types: Types) -> None:
    """Rewrite a statement's casts to Trino's behaviour, in place. Raises QueryError if Trino would
    refuse to compare two types in it."""
    groups = [(node, _compared(node)) for node in tree.walk()]
    groups += [(node, pair) for node in tree.find_all(exp.SetOperation) for pair in _pairs(node)]
    groups = [(node, parts) for node, parts in groups if parts]
    kind = types.of(tree.this, [part for _, parts in groups for part in parts])
    casts = []
    for node, parts in groups:
        found = [kind(part) for part in parts]
        if isinstance(node, exp.Cast):
            casts.append((node, found[0]))
        else:
            _require_agreement(node, found)
    for node, found_kind in reversed(casts):
        node.replace(_convert(node, found_kind))


def _compared(node: exp.Expression) -> list[exp.Expression]:
    """Return the parts of an expression whose types matter: parts that must have the same type, or
    the operand of a cast. Return an empty list for other expressions."""
    if isinstance(node, exp.Cast):
        return [] if is_done(node) else [node.this]
    for kinds, parts in _OPINIONS:
        if isinstance(node, kinds):
            return parts(node)
    return []


def _pairs(node: exp.Expression) -> list[list[exp.Expression]]:
    """Return the columns of a UNION's two sides, in pairs; empty if a side selects `*`."""
    sides = [[column.unalias() for column in side.selects] for side in (node.left, node.right)]
    if any(one.find(exp.Star) for side in sides for one in side if not one.find(exp.Count)):
        return []
    return [list(pair) for pair in zip(*sides, strict=False)]


def _in(node: exp.Expression) -> list[exp.Expression]:
    query = node.args.get("query")
    if query is None:
        return [node.this, *node.expressions]
    column = query.unnest().selects[0].unalias()
    return [] if isinstance(column, exp.Star) else [node.this, column]


def _branches(node: exp.Expression) -> list[exp.Expression]:
    default = node.args.get("default")
    parts = [branch.args["true"] for branch in node.args["ifs"]]
    return parts if default is None else [*parts, default]


_OPINIONS: list[tuple[Any, Callable[[exp.Expression], list[exp.Expression]]]] = [
    ((*_COMPARISONS, exp.DPipe), lambda node: [node.this, node.expression]),
    (exp.Between, lambda node: [node.this, node.args["low"], node.args["high"]]),
    (exp.In, _in),
    ((exp.Coalesce, exp.Greatest, exp.Least), lambda node: [node.this, *node.expressions]),
    (exp.Case, _branches),
    (exp.Concat, lambda node: list(node.expressions)),
    (vocabulary.TEXT_FIRST, lambda node: [node.this]),
    (vocabulary.OF_TIME, lambda node: [node.this]),
]


def _require_agreement(node: exp.Expression, kinds: list[Kind]) -> None:
    families = {kind.family for kind in kinds} - {"any"}
    if isinstance(node, (exp.DPipe, exp.Concat, *vocabulary.TEXT_FIRST)):
        if not families <= {"varchar", "list"}:
            told = ", ".join(kind.athena() for kind in kinds)
            called = "concat" if isinstance(node, exp.DPipe) else node.sql_name().lower()
            raise unexpected(told, called)
    elif isinstance(node, vocabulary.OF_TIME):
        if not families <= {"time"}:
            raise unexpected(kinds[0].athena(), node.sql_name().lower())
    elif len(families) > 1:
        names = [kind.athena() for kind in kinds]
        sign = _SIGNS.get(node.key)
        reason = f"All operands of {node.key.upper()} must be the same type: {names}"
        if sign and len(names) == 2:
            reason = f"Cannot apply operator: {names[0]} {sign} {names[1]}"
        raise QueryError("TYPE_MISMATCH", reason)


def _convert(node: exp.Expression, kind: Kind) -> exp.Expression:
    """Rewrite a CAST to Trino's behaviour. TRY_CAST becomes null where CAST would fail."""
    target = node.to.this
    changed = node
    if target in (_TYPE.VARCHAR, _TYPE.TEXT):
        return _to_varchar(node, kind)
    if target in _INTEGERS and kind.name in ("DOUBLE", "FLOAT"):
        node.set("this", call("round", node.this))
    elif target == _TYPE.TIMESTAMP:
        changed = _to_timestamp(node)
    elif target == _TYPE.TIMESTAMPTZ:
        changed = _to_instant(node)
    if kind.family != "varchar" or target not in _TEXTS:
        return changed
    failure = f"INVALID_CAST_ARGUMENT: Cannot cast '{{}}' to {target.value.lower()}"
    return if_like(node.this, _TEXTS[target], changed, failure, isinstance(node, exp.TryCast))


_TYPE = exp.DataType.Type
_INTEGERS = (_TYPE.INT, _TYPE.BIGINT, _TYPE.SMALLINT, _TYPE.TINYINT)
_TEXTS = {
    **dict.fromkeys(_INTEGERS, _INTEGER_TEXT),
    **dict.fromkeys((_TYPE.DECIMAL, _TYPE.DOUBLE, _TYPE.FLOAT), _NUMBER_TEXT),
    _TYPE.DATE: _DATE_TEXT,
    _TYPE.TIMESTAMP: _TIME_TEXT,
    _TYPE.TIMESTAMPTZ: _ZONED_TEXT,
}
"""The pattern of the texts that a cast to each type accepts."""


def _to_timestamp(node: exp.Expression) -> exp.Expression:
    precision = _precision(node)
    if precision not in (0, 3, 6):
        if not isinstance(node.this, exp.Literal):
            raise unsupported(f"timestamp({precision})")
        precision = 3 if precision < 3 else 6
    name = {0: "TIMESTAMP_S", 3: "TIMESTAMP_MS", 6: "TIMESTAMP"}[precision]
    changed = _recast(node, name)
    return changed if precision == 6 else cast(changed, "TIMESTAMP")


def _to_instant(node: exp.Expression) -> exp.Expression:
    """Convert a part to an instant in milliseconds or microseconds. A text may end with an offset
    or `UTC`. Raises QueryError for any other precision."""
    precision = _precision(node)
    if precision not in (3, 6):
        raise unsupported(f"timestamp({precision}) with time zone")
    instant = _recast(node, "TIMESTAMPTZ")
    return call("date_trunc", text("millisecond"), instant) if precision == 3 else instant


def _precision(node: exp.Expression) -> int:
    return int(node.to.expressions[0].name) if node.to.expressions else 3


def _recast(node: exp.Expression, name: str) -> exp.Expression:
    return type(node)(this=node.this.copy(), to=exp.DataType.build(name, dialect="duckdb"))


def _to_varchar(node: exp.Expression, kind: Kind) -> exp.Expression:
    if kind.name in ("DOUBLE", "FLOAT"):
        changed = call("trino_double_text", cast(node.this, "DOUBLE"))
    elif kind.name.startswith("TIMESTAMP") and not kind.has_zone:
        changed = call("strftime", node.this, text("%Y-%m-%d %H:%M:%S.%g"))
    elif kind.name.startswith("TIMESTAMP"):
        changed = call("strftime", node.this, text("%Y-%m-%d %H:%M:%S.%g UTC"))
    else:
        changed = cast(node.this, "VARCHAR")
    if node.to.expressions:
        return call("left", changed, exp.Literal.number(node.to.expressions[0].name))
    return changed
