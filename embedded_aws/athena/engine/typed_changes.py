"""Rewrites the parts of a statement whose type would differ between Trino and DuckDB."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.athena.engine.forms import call, cast, operand, text
from embedded_aws.athena.engine.typing import INTEGERS, Kind, unexpected


def _divide(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    left, right = kinds
    _require_numbers("/", kinds)
    if left.name in INTEGERS and right.name in INTEGERS:
        return exp.Paren(
            this=exp.IntDiv(this=operand(node.this), expression=operand(node.expression))
        )
    first, second = left.as_decimal(), right.as_decimal()
    if first is None or second is None:
        return node
    scale = max(first.scale, second.scale)
    precision = min(38, first.precision + second.scale + max(0, second.scale - first.scale))
    return _quotient(node.this, first, node.expression, second, max(precision, scale), scale)


def _quotient(
    dividend: exp.Expression,
    first: Kind,
    divisor: exp.Expression,
    second: Kind,
    precision: int,
    scale: int,
) -> exp.Expression:
    """Return the quotient of two decimals, rounded half up. A macro in `session` computes it with
    128-bit integers."""
    shift = exp.Literal.number(10 ** (scale - first.scale + second.scale))
    result = call(
        "trino_divide",
        exp.Mul(this=_unscaled(dividend, first), expression=cast(shift, "HUGEINT")),
        _unscaled(divisor, second),
    )
    return cast(_scaled(result, scale), f"DECIMAL({precision},{scale})")


def _unscaled(number: exp.Expression, kind: Kind) -> exp.Expression:
    """Return a decimal as an integer of all its digits: 1.25 as 125."""
    exact = cast(number, f"DECIMAL({kind.precision},{kind.scale})")
    if not kind.scale:
        return cast(exact, "HUGEINT")
    unit = cast(text(str(10**kind.scale)), f"DECIMAL({kind.scale + 1},0)")
    return cast(exp.Mul(this=exact, expression=unit), "HUGEINT")


def _scaled(number: exp.Expression, scale: int) -> exp.Expression:
    """Return an integer as a decimal with `scale` fractional digits: 125 as 1.25 for 2."""
    whole = cast(number, "DECIMAL(38,0)")
    if not scale:
        return whole
    unit = cast(text(f"0.{'0' * (scale - 1)}1"), f"DECIMAL({scale},{scale})")
    return exp.Paren(this=exp.Mul(this=whole, expression=unit))


def _average(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    (kind,) = kinds
    _require_numbers("avg", kinds)
    if kind.name != "DECIMAL":
        return node
    outer = node
    while isinstance(outer.parent, (exp.Filter, exp.Window)) and outer.parent.this is outer:
        outer = outer.parent
    count = _with_aggregate(outer, exp.Count)
    average = _quotient(
        _with_aggregate(outer, exp.Sum),
        Kind("DECIMAL", 38, kind.scale),
        exp.Nullif(this=count, expression=exp.Literal.number(0)),  # null for no rows
        Kind("DECIMAL", 19, 0),
        kind.precision,
        kind.scale,
    )
    if outer is not node:
        outer.replace(average)
        return node
    return average


def _with_aggregate(outer: exp.Expression, kind: type[exp.AggFunc]) -> exp.Expression:
    """Return an average's copy with another aggregate function, and its filter and window."""
    copy = outer.copy()
    average = copy if isinstance(copy, exp.Avg) else copy.find(exp.Avg)
    made = average.replace(kind(this=average.this.copy()))
    return made if average is copy else copy


def _round(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    (kind,) = kinds
    if kind.name != "DECIMAL":
        return node
    if node.args.get("decimals") is None:
        precision = min(38, kind.precision - kind.scale + min(kind.scale, 1))
        return cast(node.copy(), f"DECIMAL({max(precision, 1)},0)")
    return cast(node.copy(), f"DECIMAL({min(38, kind.precision + 1)},{kind.scale})")


def _plus(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    """Make a date plus an interval a date. Raises QueryError unless other operands are numbers."""
    names = {kind.name for kind in kinds}
    if names == {"DATE", "INTERVAL"}:
        return cast(node.copy(), "DATE")
    if "INTERVAL" not in names and not all(kind.family == "any" for kind in kinds):
        symbol = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Mod: "%"}[type(node)]
        _require_numbers(symbol, kinds)
    return node


def _date_add(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    """Give `date_add('day', 1, d)` the type of `d`."""
    return cast(node.copy(), "DATE") if kinds[0].name == "DATE" else node


def _trunc(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    if kinds[0].family != "time":
        raise unexpected(kinds[0].athena(), "date_trunc")
    return cast(node.copy(), "DATE") if kinds[0].name == "DATE" else node


def _percentile(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    if kinds[0].name == "DECIMAL":
        node.set("this", cast(node.this, "DOUBLE"))
    return node


def _series(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    return cast(node.copy(), "DATE[]") if kinds[0].name == "DATE" else node


TYPED: dict[type[exp.Expression], Callable[[exp.Expression, list[Kind]], exp.Expression]] = {
    exp.Div: _divide,
    exp.Avg: _average,
    exp.Round: _round,
    exp.Add: _plus,
    exp.Sub: _plus,
    exp.Mul: _plus,
    exp.Mod: _plus,
    exp.DateAdd: _date_add,
    exp.DateTrunc: _trunc,
    exp.TimestampTrunc: _trunc,
    exp.ApproxQuantile: _percentile,
    exp.GenerateSeries: _series,
}
"""The function that rewrites each kind of part, given the types of the part's operands."""


def _require_numbers(sign: str, kinds: list[Kind]) -> None:
    for kind in kinds:
        if kind.family not in ("number", "any"):
            names = f" {sign} ".join(one.athena() for one in kinds)
            if len(kinds) == 1:
                raise unexpected(names, sign)
            raise QueryError("TYPE_MISMATCH", f"Cannot apply operator: {names}")
