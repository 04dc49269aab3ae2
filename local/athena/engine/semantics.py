"""Trino's meaning put into DuckDB's words, where the two differ.

Some depends on types: decimal division and averages keep their scale, integers divide to
integers, a date less an interval is a date, text compares with text only. Scopes are taken from
the inside out, since an outer type may follow from an inner division.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import exp

from local.athena.engine import vocabulary
from local.athena.engine.failures import QueryError, unsupported
from local.athena.engine.typing import INTEGERS, Kind, Types, unexpected

_INTEGER_TEXT = r"^[+-]?[0-9]+$"
_NUMBER_TEXT = r"^([+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|[+-]?Infinity)$"
_DATE_TEXT = r"^\s*[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}\s*$"
_TIME_TEXT = (
    r"^[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,9})?)?)?$"
)
_ZONED_TEXT = _TIME_TEXT[:-1] + r"( ?([+-][0-9]{1,2}:[0-9]{2}|UTC|Z))?$"
_ISO_TEXT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
_OF_TIME = (
    exp.Day,
    exp.DayOfMonth,
    exp.DayOfWeekIso,
    exp.DayOfYear,
    exp.Hour,
    exp.Minute,
    exp.Month,
    exp.Quarter,
    exp.Second,
    exp.TimeToStr,
    exp.TimeToUnix,
    exp.Year,
)
_LOCAL_USES = (*_OF_TIME, exp.Date, exp.Extract)


def rewrite(tree: exp.Expression, types: Types) -> exp.Expression:
    """The statement for DuckDB. Raises QueryError."""
    holder = exp.Paren(this=tree)  # so that the outermost part can be replaced, too
    _without_types(holder)
    while parts := _next_parts(holder):
        _change_types(holder, parts, types)
    _check_and_convert(holder, types)
    inner: exp.Expression = holder.this
    inner.parent = None
    return inner


def call(name: str, *arguments: exp.Expression) -> exp.Expression:
    """A call of DuckDB's."""
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments])


def text(value: str) -> exp.Expression:
    """A string."""
    return exp.Literal.string(value)


# What needs no types.


def _without_types(tree: exp.Expression) -> None:
    for node in list(tree.walk(bfs=False)):
        change = _PLAIN.get(type(node))
        if change is not None and node.parent is not None:
            changed = change(node)
            if changed is not node:
                node.replace(changed)


def _date_diff(node: exp.Expression) -> exp.Expression:
    """Trino counts whole units that have passed, DuckDB's date_diff borders that were crossed."""
    unit = text(node.text("unit").lower() or "day")
    return call("date_sub", unit, node.expression, node.this)


def _max_by(node: exp.Expression) -> exp.Expression:
    """DuckDB's arg_max passes over rows whose first argument is null."""
    name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
    return call(name, node.this, node.expression)


def _regexp_extract(node: exp.Expression) -> exp.Expression:
    """Null, not an empty text, where nothing matches."""
    pattern, group = node.expression, node.args.get("group") or exp.Literal.number(0)
    found = call("regexp_extract", node.this, pattern, group)
    matches = call("regexp_matches", node.this, pattern)
    return exp.Case(ifs=[exp.If(this=matches, true=found)])


def _regexp_replace(node: exp.Expression) -> exp.Expression:
    """Java names a group `$1`, RE2 `\\1`."""
    replacement = node.args.get("replacement")
    if not isinstance(replacement, exp.Literal) or "${" in replacement.name:
        raise unsupported("regexp_replace by other than a text")
    written = re.sub(r"\$(\d)", r"\\\1", replacement.name.replace("\\", "\\\\"))
    return call("regexp_replace", node.this, node.expression, text(written), text("g"))


def _split_part(node: exp.Expression) -> exp.Expression:
    """Null behind the last part, not an empty text."""
    parts = call("str_split", node.this, node.args["delimiter"])
    return call("list_extract", parts, node.args["part_index"])


def _substring(node: exp.Expression) -> exp.Expression:
    if node.args["start"].name == "0":
        raise unsupported("substr from 0, which is always empty,")
    return node


def _iso_timestamp(node: exp.Expression) -> exp.Expression:
    """Milliseconds, of texts in ISO 8601 only."""
    instant = call("date_trunc", text("millisecond"), _cast(node.this, "TIMESTAMPTZ"))
    return _if_like(node.this, _ISO_TEXT, instant, "INVALID_FUNCTION_ARGUMENT: Invalid format: {}")


def _series_of_days(node: exp.Expression) -> exp.Expression:
    """DuckDB has none of dates without a step."""
    start = node.args["start"]
    is_date = isinstance(start, exp.Cast) and start.to.this == exp.DataType.Type.DATE
    if is_date and node.args.get("step") is None:
        node.set("step", exp.Interval(this=text("1"), unit=exp.Var(this="DAY")))
    return node


def _log(node: exp.Expression) -> exp.Expression:
    if node.this.name in ("10", "2") and node.expression is not None:
        return call(f"log{node.this.name}", node.expression)
    return node


def _require_plain_cast(node: exp.Expression) -> exp.Expression:
    if node.to.this in (exp.DataType.Type.TIME, exp.DataType.Type.TIMETZ):
        raise unsupported(f"CAST AS {node.to.sql('athena')}")
    return node


def _require_local_use(node: exp.Expression) -> exp.Expression:
    """DuckDB has no timestamp that carries a zone: only where the local time is taken out."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    is_cast = isinstance(parent, exp.Cast) and parent.to.this in _LOCAL_CASTS
    if isinstance(parent, exp.Case) and parent.args.get("this") is None:
        is_cast = False
    if is_cast or isinstance(parent, _LOCAL_USES):
        return node
    raise unsupported("AT TIME ZONE outside of CAST(... AS DATE or TIMESTAMP), HOUR and the like")


_LOCAL_CASTS = (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP)

_PLAIN: dict[type[exp.Expression], Callable[[exp.Expression], exp.Expression]] = {
    exp.DateDiff: _date_diff,
    exp.ArgMax: _max_by,
    exp.ArgMin: _max_by,
    exp.RegexpExtract: _regexp_extract,
    exp.RegexpReplace: _regexp_replace,
    exp.SplitPart: _split_part,
    exp.Substring: _substring,
    exp.FromISO8601Timestamp: _iso_timestamp,
    exp.Log: _log,
    exp.GenerateSeries: _series_of_days,
    exp.AtTimeZone: _require_local_use,
    exp.Cast: _require_plain_cast,
    exp.TryCast: _require_plain_cast,
}


# What changes a part's type.


def _next_parts(tree: exp.Expression) -> list[exp.Expression]:
    """Parts whose type differs in Trino that can be asked for together: those in which none
    stands that is yet to be changed, inner queries before outer ones."""
    depths: dict[int, int] = {}
    order = {id(query): at for at, query in enumerate(_queries(tree))}
    groups: dict[tuple[int, int], list[exp.Expression]] = {}
    for node in reversed(list(tree.walk(bfs=False))):
        waits = _waits(node)
        below = max((depths.get(id(one), 0) for one in node.iter_expressions()), default=0)
        depths[id(node)] = below + waits
        if waits:
            key = (order.get(id(_select_of(node)), 0), depths[id(node)])
            groups.setdefault(key, []).append(node)
    return groups[min(groups)] if groups else []


def _waits(node: Any) -> bool:
    return type(node) in _TYPED and not node.meta.get(_DONE)


_DONE = "done"


def _select_of(node: exp.Expression) -> exp.Expression | None:
    return node.find_ancestor(exp.Select)


def _queries(tree: exp.Expression) -> list[exp.Expression]:
    """SELECTs, each behind those in its WITH, FROM and expressions."""
    found: list[exp.Expression] = []

    def visit(node: exp.Expression) -> None:
        clause = node.args.get("with_") or node.args.get("with")
        if clause is not None:
            visit(clause)
        for one in node.iter_expressions():
            if one is not clause:
                visit(one)
        if isinstance(node, exp.Select):
            found.append(node)

    visit(tree)
    return found


def _change_types(tree: exp.Expression, parts: list[exp.Expression], types: Types) -> None:
    asked = [operand for part in parts for operand in _operands(part)]
    kinds = types.of(tree.this, asked)
    for part in parts:
        if part.root() is not tree:
            continue  # copied with what stands around it; the copy's turn is yet to come
        part.meta[_DONE] = True
        found = [kinds[id(operand)] for operand in _operands(part)]
        changed = _TYPED[type(part)](part, found)
        if changed is not part:
            part.replace(changed)


def _operands(part: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(part, exp.GenerateSeries):
        yield part.args["start"]
        return
    if isinstance(part.this, exp.Distinct):
        yield part.this.expressions[0]
    else:
        yield part.this
    if isinstance(part, (exp.Binary, exp.DateAdd)):
        yield part.expression


def _divide(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    left, right = kinds
    _require_numbers("/", kinds)
    if left.name in INTEGERS and right.name in INTEGERS:
        return exp.Paren(
            this=exp.IntDiv(this=_operand(node.this), expression=_operand(node.expression))
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
    """The decimal quotient, rounded half up, by integers of 128 bits: a macro of `session`."""
    shift = exp.Literal.number(10 ** (scale - first.scale + second.scale))
    result = call(
        "trino_divide",
        exp.Mul(this=_unscaled(dividend, first), expression=_cast(shift, "HUGEINT")),
        _unscaled(divisor, second),
    )
    return _cast(_scaled(result, scale), f"DECIMAL({precision},{scale})")


def _unscaled(number: exp.Expression, kind: Kind) -> exp.Expression:
    """A decimal's digits as an integer."""
    exact = _cast(number, f"DECIMAL({kind.precision},{kind.scale})")
    if not kind.scale:
        return _cast(exact, "HUGEINT")
    unit = _cast(text(str(10**kind.scale)), f"DECIMAL({kind.scale + 1},0)")
    return _cast(exp.Mul(this=exact, expression=unit), "HUGEINT")


def _scaled(number: exp.Expression, scale: int) -> exp.Expression:
    """An integer's decimal with so many digits behind the point."""
    whole = _cast(number, "DECIMAL(38,0)")
    if not scale:
        return whole
    unit = _cast(text(f"0.{'0' * (scale - 1)}1"), f"DECIMAL({scale},{scale})")
    return exp.Paren(this=exp.Mul(this=whole, expression=unit))


def _average(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    (kind,) = kinds
    _require_numbers("avg", kinds)
    if kind.name != "DECIMAL":
        return node
    outer = node
    while isinstance(outer.parent, (exp.Filter, exp.Window)) and outer.parent.this is outer:
        outer = outer.parent
    total, count = outer.copy(), outer.copy()
    for copy, aggregate in ((total, exp.Sum), (count, exp.Count)):
        inner = copy if isinstance(copy, exp.Avg) else copy.find(exp.Avg)
        new = aggregate(this=inner.this.copy())
        if inner is copy:
            if aggregate is exp.Sum:
                total = new
            else:
                count = new
        else:
            inner.replace(new)
    average = _quotient(
        total,
        Kind("DECIMAL", 38, kind.scale),
        exp.Nullif(this=count, expression=exp.Literal.number(0)),  # of nothing it is null
        Kind("DECIMAL", 19, 0),
        kind.precision,
        kind.scale,
    )
    if outer is not node:
        outer.replace(average)
        return node
    return average


def _round(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    (kind,) = kinds
    if kind.name != "DECIMAL":
        return node
    if node.args.get("decimals") is None:
        precision = min(38, kind.precision - kind.scale + min(kind.scale, 1))
        return _cast(node.copy(), f"DECIMAL({max(precision, 1)},0)")
    return _cast(node.copy(), f"DECIMAL({min(38, kind.precision + 1)},{kind.scale})")


def _plus(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    """A date and an interval make a date."""
    names = {kind.name for kind in kinds}
    if names == {"DATE", "INTERVAL"}:
        return _cast(node.copy(), "DATE")
    if "INTERVAL" not in names and not all(kind.family == "any" for kind in kinds):
        symbol = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Mod: "%"}[type(node)]
        _require_numbers(symbol, kinds)
    return node


def _date_add(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    """`date_add('day', 1, d)` is of d's type."""
    return _cast(node.copy(), "DATE") if kinds[0].name == "DATE" else node


def _trunc(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    if kinds[0].family != "time":
        raise unexpected(kinds[0].athena(), "date_trunc")
    return _cast(node.copy(), "DATE") if kinds[0].name == "DATE" else node


def _percentile(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    if kinds[0].name == "DECIMAL":
        node.set("this", _cast(node.this, "DOUBLE"))
    return node


def _series(node: exp.Expression, kinds: list[Kind]) -> exp.Expression:
    return _cast(node.copy(), "DATE[]") if kinds[0].name == "DATE" else node


_TYPED: dict[type[exp.Expression], Callable[[exp.Expression, list[Kind]], exp.Expression]] = {
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


# What types must agree on, and conversions.

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like)
_SIGNS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "like": "LIKE"}


def _check_and_convert(tree: exp.Expression, types: Types) -> None:
    groups = [(node, _compared(node)) for node in tree.walk()]
    groups += [(node, pair) for node in tree.find_all(exp.SetOperation) for pair in _pairs(node)]
    groups = [(node, parts) for node, parts in groups if parts]
    kinds = types.of(tree.this, [part for _, parts in groups for part in parts])
    casts = []
    for node, parts in groups:
        found = [kinds[id(part)] for part in parts]
        if isinstance(node, exp.Cast):
            casts.append((node, found[0]))
        else:
            _require_agreement(node, found)
    for node, kind in reversed(casts):
        node.replace(_convert(node, kind))


def _compared(node: exp.Expression) -> list[exp.Expression]:
    """Parts whose types the node has an opinion on."""
    if isinstance(node, exp.Cast):
        return [] if node.meta.get(_DONE) else [node.this]
    for kinds, parts in _OPINIONS:
        if isinstance(node, kinds):
            return parts(node)
    return []


def _pairs(node: exp.Expression) -> list[list[exp.Expression]]:
    """Columns of a UNION's two sides, where both are named one by one."""
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
    (_OF_TIME, lambda node: [node.this]),
]


def _require_agreement(node: exp.Expression, kinds: list[Kind]) -> None:
    families = {kind.family for kind in kinds} - {"any"}
    if isinstance(node, (exp.DPipe, exp.Concat, *vocabulary.TEXT_FIRST)):
        if not families <= {"varchar", "list"}:
            told = ", ".join(kind.athena() for kind in kinds)
            called = "concat" if isinstance(node, exp.DPipe) else node.sql_name().lower()
            raise unexpected(told, called)
    elif isinstance(node, _OF_TIME):
        if not families <= {"time"}:
            raise unexpected(kinds[0].athena(), node.sql_name().lower())
    elif len(families) > 1:
        names = [kind.athena() for kind in kinds]
        sign = _SIGNS.get(node.key)
        if sign and len(names) == 2:
            raise _mismatch(f"Cannot apply operator: {names[0]} {sign} {names[1]}")
        raise _mismatch(f"All operands of {node.key.upper()} must be the same type: {names}")


def _convert(node: exp.Expression, kind: Kind) -> exp.Expression:
    """CAST as Trino does it; TRY_CAST gives null where CAST fails."""
    target = node.to.this
    source = kind.family
    kinds = exp.DataType.Type
    if target in _INTEGERS and source == "varchar":
        return _if_like(node.this, _INTEGER_TEXT, node, _cannot(target), _tries(node))
    if target in _INTEGERS and kind.name in ("DOUBLE", "FLOAT"):
        node.set("this", call("round", node.this))
        return node
    if target in (kinds.DECIMAL, kinds.DOUBLE, kinds.FLOAT) and source == "varchar":
        return _if_like(node.this, _NUMBER_TEXT, node, _cannot(target), _tries(node))
    if target == kinds.DATE and source == "varchar":
        return _if_like(node.this, _DATE_TEXT, node, _cannot(target), _tries(node))
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
    changed = as_precise if precision == 6 else _cast(as_precise, "TIMESTAMP")
    if source == "varchar":
        return _if_like(node.this, _TIME_TEXT, changed, _cannot(node.to.this), _tries(node))
    return changed


def _to_instant(node: exp.Expression, source: str) -> exp.Expression:
    """To milliseconds, as an instant; of a text with or without an offset or UTC behind it."""
    precision = int(node.to.expressions[0].name) if node.to.expressions else 3
    if precision not in (3, 6):
        raise unsupported(f"timestamp({precision}) with time zone")
    instant: exp.Expression = type(node)(
        this=node.this.copy(), to=exp.DataType.build("TIMESTAMPTZ", dialect="duckdb")
    )
    if precision == 3:
        instant = call("date_trunc", text("millisecond"), instant)
    if source == "varchar":
        return _if_like(node.this, _ZONED_TEXT, instant, _cannot(node.to.this), _tries(node))
    return instant


def _to_varchar(node: exp.Expression, kind: Kind) -> exp.Expression:
    if kind.name in ("DOUBLE", "FLOAT"):
        changed = call("trino_double_text", _cast(node.this, "DOUBLE"))
    elif kind.name.startswith("TIMESTAMP") and not kind.has_zone:
        changed = call("strftime", node.this, text("%Y-%m-%d %H:%M:%S.%g"))
    elif kind.name.startswith("TIMESTAMP"):
        changed = call("strftime", node.this, text("%Y-%m-%d %H:%M:%S.%g UTC"))
    else:
        changed = _cast(node.this, "VARCHAR")
    if node.to.expressions:
        return call("left", changed, exp.Literal.number(node.to.expressions[0].name))
    return changed


def _cannot(target: exp.DataType.Type) -> str:
    return f"INVALID_CAST_ARGUMENT: Cannot cast '{{}}' to {target.value.lower()}"


def _tries(node: exp.Expression) -> bool:
    return isinstance(node, exp.TryCast)


def _if_like(
    value: exp.Expression, pattern: str, then: exp.Expression, otherwise: str, tries: bool = False
) -> exp.Expression:
    """`then` for texts of the pattern, null for null, else the error."""
    branches = [exp.If(this=call("regexp_matches", value, text(pattern)), true=then.copy())]
    if not tries:
        failed = call(
            "error", call("replace", text(otherwise.replace("''", "'")), text("{}"), value)
        )
        missing = exp.Is(this=value.copy(), expression=exp.Null())
        branches.append(exp.If(this=exp.Not(this=missing), true=failed))
    return exp.Case(ifs=branches)


def _require_numbers(sign: str, kinds: list[Kind]) -> None:
    for kind in kinds:
        if kind.family not in ("number", "any"):
            names = f" {sign} ".join(one.athena() for one in kinds)
            if len(kinds) == 1:
                raise unexpected(names, sign)
            raise _mismatch(f"Cannot apply operator: {names}")


def _mismatch(reason: str) -> QueryError:
    return QueryError("TYPE_MISMATCH", reason)


def _operand(node: exp.Expression) -> exp.Expression:
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary) else node.copy()


def _cast(node: exp.Expression, kind: str) -> exp.Expression:
    """A cast of ours, which is DuckDB's already."""
    cast = exp.Cast(this=node.copy(), to=exp.DataType.build(kind, dialect="duckdb"))
    cast.meta[_DONE] = True
    return cast
