"""Parts of statements that several rules put together."""

from __future__ import annotations

from sqlglot import exp

from embedded_aws.athena.engine.failures import QueryError

_DONE = "done"


def is_done(node: exp.Expression) -> bool:
    """Whether the part is DuckDB's already."""
    return bool(node.meta.get(_DONE))


def mark_done(node: exp.Expression) -> None:
    """Leave the part as it is from now on."""
    node.meta[_DONE] = True


def call(name: str, *arguments: exp.Expression) -> exp.Expression:
    """A call of DuckDB's."""
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments])


def text(value: str) -> exp.Expression:
    """A string."""
    return exp.Literal.string(value)


def operand(node: exp.Expression) -> exp.Expression:
    """A copy that keeps together beside another sign."""
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary) else node.copy()


def cast(node: exp.Expression, kind: str) -> exp.Expression:
    """A cast of ours, which is DuckDB's already."""
    made = exp.Cast(this=node.copy(), to=exp.DataType.build(kind, dialect="duckdb"))
    mark_done(made)
    return made


def if_like(
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


def mismatch(reason: str) -> QueryError:
    """Types that do not go together."""
    return QueryError("TYPE_MISMATCH", reason)
