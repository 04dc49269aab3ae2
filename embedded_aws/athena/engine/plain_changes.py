"""Rewrites the differences between Trino and DuckDB that do not depend on types."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from embedded_aws.athena.engine.failures import unsupported
from embedded_aws.athena.engine.forms import call, cast, if_like, text
from embedded_aws.athena.engine.vocabulary import OF_TIME

_ISO_TEXT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
_LOCAL_USES = (*OF_TIME, exp.Date, exp.Extract)


def change_plainly(tree: exp.Expression) -> None:
    """Apply all rewrites that need no types to a statement, in place. Raises QueryError."""
    for node in list(tree.walk(bfs=False)):
        change = _PLAIN.get(type(node))
        if change is not None and node.parent is not None:
            changed = change(node)
            if changed is not node:
                node.replace(changed)


def _date_diff(node: exp.Expression) -> exp.Expression:
    """Count complete units, as Trino does. DuckDB's date_diff counts crossed boundaries."""
    unit = text(node.text("unit").lower() or "day")
    return call("date_sub", unit, node.expression, node.this)


def _max_by(node: exp.Expression) -> exp.Expression:
    """Keep rows whose first argument is null. DuckDB's arg_max would skip these rows."""
    name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
    return call(name, node.this, node.expression)


def _regexp_extract(node: exp.Expression) -> exp.Expression:
    """Make regexp_extract return null if nothing matches. DuckDB would return an empty text."""
    pattern, group = node.expression, node.args.get("group") or exp.Literal.number(0)
    found = call("regexp_extract", node.this, pattern, group)
    matches = call("regexp_matches", node.this, pattern)
    return exp.Case(ifs=[exp.If(this=matches, true=found)])


def _regexp_replace(node: exp.Expression) -> exp.Expression:
    """Convert group references: Java's `$1` is RE2's `\1`."""
    replacement = node.args.get("replacement")
    if not isinstance(replacement, exp.Literal) or "${" in replacement.name:
        raise unsupported("regexp_replace by other than a text")
    written = re.sub(r"\$(\d)", r"\\\1", replacement.name.replace("\\", "\\\\"))
    return call("regexp_replace", node.this, node.expression, text(written), text("g"))


def _split_part(node: exp.Expression) -> exp.Expression:
    """Make split_part return null after the last part. DuckDB would return an empty text."""
    parts = call("str_split", node.this, node.args["delimiter"])
    return call("list_extract", parts, node.args["part_index"])


def _substring(node: exp.Expression) -> exp.Expression:
    if node.args["start"].name == "0":
        raise unsupported("substr from 0, which is always empty,")
    return node


def _iso_timestamp(node: exp.Expression) -> exp.Expression:
    """Accept only ISO 8601 texts, to the millisecond."""
    instant = call("date_trunc", text("millisecond"), cast(node.this, "TIMESTAMPTZ"))
    return if_like(node.this, _ISO_TEXT, instant, "INVALID_FUNCTION_ARGUMENT: Invalid format: {}")


def _series_of_days(node: exp.Expression) -> exp.Expression:
    """Add a step of one day to a sequence of dates. DuckDB requires a step."""
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
    """Refuse AT TIME ZONE unless the query extracts the local time: DuckDB has no type for a
    timestamp with its own zone."""
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
