"""Checks that types are compatible, and converts between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from embedded_aws.athena.engine import vocabulary
from embedded_aws.athena.engine.failures import unsupported
from embedded_aws.athena.engine.forms import call, cast, if_like, is_done, mismatch, text
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
    """Raise QueryError if types disagree in Trino; rewrite casts to Trino's behaviour, in place."""
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
    """Return the parts of an expression whose types are needed: those that have to agree, or the
    operand of a cast. Empty for other expressions."""
    if isinstance(node, exp.Cast):
        return [] if is_done(node) else [node.this]
    for kinds, parts in _OPINIONS:
        if isinstance(node, kinds):
            return parts(node)
    return []


def _pairs(node: exp.Expression) -> list[list[exp.Expression]]:
    """Return the pairs of columns of a UNION's two sides; none if a side has `*`."""
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
        if sign and len(names) == 2:
            raise mismatch(f"Cannot apply operator: {names[0]} {sign} {names[1]}")
        raise mismatch(f"All operands of {node.key.upper()} must be the same type: {names}")


def _convert(node: exp.Expression, kind: Kind) -> exp.Expression:
    """Rewrite a CAST to Trino's behaviour; TRY_CAST returns null if CAST fails."""
    target = node.to.this
    source = kind.family
    kinds = exp.DataType.Type
    if target in _INTEGERS and source == "varchar":
        return if_like(node.this, _INTEGER_TEXT, node, _cannot(target), _tries(node))
    if target in _INTEGERS and kind.name in ("DOUBLE", "FLOAT"):
        node.set("this", call("round", node.this))
        return node
    if target in (kinds.DECIMAL, kinds.DOUBLE, kinds.FLOAT) and source == "varchar":
        return if_like(node.this, _NUMBER_TEXT, node, _cannot(target), _tries(node))
    if target == kinds.DATE and source == "varchar":
        return if_like(node.this, _DATE_TEXT, node, _cannot(target), _tries(node))
    if target == kinds.TIMESTAMPTZ:
        return _to_instant(node, source)
    if target == kinds.TIMESTAMP:
        return _to_timestamp(node, source)
    if target in (kinds.VARCHAR, kinds.TEXT):
        return _to_varchar(node, kind)
    return node


_INTEGERS = (
    exp.DataType.Type.INT,
    exp.DataType.Type.BIGINT,
    exp.DataType.Type.SMALLINT,
    exp.DataType.Type.TINYINT,
)


def _to_timestamp(node: exp.Expression, source: str) -> exp.Expression:
    precision = int(node.to.expressions[0].name) if node.to.expressions else 3
    if precision not in (0, 3, 6):
        if not isinstance(node.this, exp.Literal):
            raise unsupported(f"timestamp({precision})")
        precision = 3 if precision < 3 else 6
    name = {0: "TIMESTAMP_S", 3: "TIMESTAMP_MS", 6: "TIMESTAMP"}[precision]
    as_precise = type(node)(this=node.this.copy(), to=exp.DataType.build(name, dialect="duckdb"))
    changed = as_precise if precision == 6 else cast(as_precise, "TIMESTAMP")
    if source == "varchar":
        return if_like(node.this, _TIME_TEXT, changed, _cannot(node.to.this), _tries(node))
    return changed


def _to_instant(node: exp.Expression, source: str) -> exp.Expression:
    """Convert to an instant in milliseconds or microseconds; a text may end with an offset or
    `UTC`. Raises QueryError for another precision."""
    precision = int(node.to.expressions[0].name) if node.to.expressions else 3
    if precision not in (3, 6):
        raise unsupported(f"timestamp({precision}) with time zone")
    instant: exp.Expression = type(node)(
        this=node.this.copy(), to=exp.DataType.build("TIMESTAMPTZ", dialect="duckdb")
    )
    if precision == 3:
        instant = call("date_trunc", text("millisecond"), instant)
    if source == "varchar":
        return if_like(node.this, _ZONED_TEXT, instant, _cannot(node.to.this), _tries(node))
    return instant


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


def _cannot(target: exp.DataType.Type) -> str:
    return f"INVALID_CAST_ARGUMENT: Cannot cast '{{}}' to {target.value.lower()}"


def _tries(node: exp.Expression) -> bool:
    return isinstance(node, exp.TryCast)
