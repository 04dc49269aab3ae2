"""Builds parts of statements for the rewriting rules, and marks parts that need no rewriting."""

from __future__ import annotations

from sqlglot import exp

_DONE = "done"


def is_done(node: exp.Expression) -> bool:
    """Return whether the part is already in DuckDB's SQL dialect."""
    return bool(node.meta.get(_DONE))


def mark_done(node: exp.Expression) -> None:
    """Mark the part as already in DuckDB's SQL dialect, so that no rule rewrites it again."""
    node.meta[_DONE] = True


def call(name: str, *arguments: exp.Expression) -> exp.Expression:
    """Return a call of a DuckDB function."""
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments])


def text(value: str) -> exp.Expression:
    """Return a string literal."""
    return exp.Literal.string(value)


def operand(node: exp.Expression) -> exp.Expression:
    """Return a copy of a part, in parentheses if an operator next to it would need them."""
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary) else node.copy()


def cast(node: exp.Expression, kind: str) -> exp.Expression:
    """Return a cast to a DuckDB type. No rule rewrites this cast."""
    made = exp.Cast(this=node.copy(), to=exp.DataType.build(kind, dialect="duckdb"))
    mark_done(made)
    return made


def if_like(
    value: exp.Expression, pattern: str, then: exp.Expression, otherwise: str, tries: bool = False
) -> exp.Expression:
    """Return a CASE that gives `then` for a text that matches the pattern, and null for null.

    For any other text the CASE raises the error `otherwise`, in which `{}` stands for the text.
    With `tries` it gives null instead.
    """
    branches = [exp.If(this=call("regexp_matches", value, text(pattern)), true=then.copy())]
    if not tries:
        failed = call(
            "error", call("replace", text(otherwise.replace("''", "'")), text("{}"), value)
        )
        missing = exp.Is(this=value.copy(), expression=exp.Null())
        branches.append(exp.If(this=exp.Not(this=missing), true=failed))
    return exp.Case(ifs=branches)
