"""Rewrites SQL so that DuckDB gives Trino's results where the two differ.

Some rules depend on types. Decimal division and averages keep their scale, and integers divide to
integers. A date minus an interval is a date. A text compares only with a text. Inner parts are
rewritten first, since the type of an outer part may depend on an inner division.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from embedded_aws.athena.engine.conversions import check_and_convert
from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.athena.engine.forms import is_done, mark_done
from embedded_aws.athena.engine.plain_changes import change_plainly
from embedded_aws.athena.engine.typed_changes import TYPED
from embedded_aws.athena.engine.typing import Types

MOST_DEEP = 200
"""The most unrewritten parts nested in each other, as in `1 + 1 + 1`. The time to query their types
grows with the square of this depth."""

DEEP_AT_ONCE = 50
"""The most nested parts whose types are queried at once. Wrapping them doubles the nesting."""

MOST_ROUNDS = 100
"""The most rounds beyond one per SELECT. Each round queries the types of changed parts again."""

_CHANGED_IN_PLACE = (exp.Avg, exp.ApproxQuantile)


def rewrite(tree: exp.Expression, types: Types) -> exp.Expression:
    """Return the statement rewritten for DuckDB. Raises QueryError."""
    holder = exp.Paren(this=tree)  # so that the outermost part can be replaced, too
    change_plainly(holder)
    for _ in range(MOST_ROUNDS + len(_queries(holder))):
        parts = _next_parts(holder)
        if not parts:
            break
        _change_types(holder, parts, types)
    else:
        raise _too_deep()
    check_and_convert(holder, types)
    inner: exp.Expression = holder.this
    inner.parent = None
    return inner


def _too_deep() -> QueryError:
    return QueryError("SYNTAX_ERROR", "the statement is nested too deeply")


def _next_parts(tree: exp.Expression) -> list[exp.Expression]:
    """Return the next parts to rewrite, inner parts first; empty if nothing is left.

    All are parts of the innermost SELECT that has any. At most DEEP_AT_ONCE are nested in each
    other. Raises QueryError if more than MOST_DEEP parts are nested.
    """
    depths: dict[int, int] = {}
    order = {id(query): at for at, query in enumerate(_queries(tree))}
    groups: dict[int, list[exp.Expression]] = {}
    for node in reversed(list(tree.walk(bfs=False))):
        waits = type(node) in TYPED and not is_done(node)
        below = max((depths.get(id(one), 0) for one in node.iter_expressions()), default=0)
        depths[id(node)] = below + waits
        if waits and depths[id(node)] <= DEEP_AT_ONCE:
            groups.setdefault(order.get(id(node.find_ancestor(exp.Select)), 0), []).append(node)
    if max(depths.values()) > MOST_DEEP:
        raise _too_deep()
    return groups[min(groups)] if groups else []


def _queries(tree: exp.Expression) -> list[exp.Expression]:
    """Return the statement's SELECTs, inner ones first."""
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
    """Rewrite the parts, inner parts first.

    A part that contains a rewritten part waits for the next round, since its type may have changed.
    """
    asked = [operand for part in parts for operand in _operands(part)]
    kind = types.of(tree.this, asked)
    outdated: set[int] = set()
    for part in parts:
        if id(part) in outdated or part.root() is not tree:
            continue  # no longer in the tree, which has a copy of it
        mark_done(part)
        around = _around(part, outdated)
        found = [kind(operand) for operand in _operands(part)]
        changed = TYPED[type(part)](part, found)
        if changed is not part:
            part.replace(changed)
        if changed is not part or isinstance(part, _CHANGED_IN_PLACE):
            outdated.update(around)


def _around(part: exp.Expression, known: set[int]) -> list[int]:
    """Return the ids of a part's ancestors below the nearest known ancestor, which is excluded."""
    found = []
    outer = part.parent
    while outer is not None and id(outer) not in known:
        found.append(id(outer))
        outer = outer.parent
    return found


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
