"""Trino's meaning put into DuckDB's words, where the two differ.

Some depends on types: decimal division and averages keep their scale, integers divide to
integers, a date less an interval is a date, text compares with text only. Scopes are taken from
the inside out, since an outer type may follow from an inner division.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from local.athena.engine.conversions import check_and_convert
from local.athena.engine.forms import is_done, mark_done
from local.athena.engine.plain_changes import change_plainly
from local.athena.engine.typed_changes import TYPED
from local.athena.engine.typing import Types


def rewrite(tree: exp.Expression, types: Types) -> exp.Expression:
    """The statement for DuckDB. Raises QueryError."""
    holder = exp.Paren(this=tree)  # so that the outermost part can be replaced, too
    change_plainly(holder)
    while parts := _next_parts(holder):
        _change_types(holder, parts, types)
    check_and_convert(holder, types)
    inner: exp.Expression = holder.this
    inner.parent = None
    return inner


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
    return type(node) in TYPED and not is_done(node)


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
        mark_done(part)
        found = [kinds[id(operand)] for operand in _operands(part)]
        changed = TYPED[type(part)](part, found)
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
