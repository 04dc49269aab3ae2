"""Evaluates the condition, key and update expressions of DynamoDB that the adapters use.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
Any other expression raises ValueError: a test must not pass by a guess.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

Item = Mapping[str, Mapping[str, Any]]
Scope = tuple[Item, Mapping[str, str], Mapping[str, Mapping[str, Any]]]
Condition = Callable[[Scope], bool]
Operand = Callable[[Scope], Mapping[str, Any] | None]

_TOKEN = re.compile(r"\s*(<=|>=|<>|[=<>(),]|[#:]?[A-Za-z_][A-Za-z0-9_]*)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def plain(value: Mapping[str, Any]) -> Any:
    """Convert an attribute value to one that can be compared; numbers are compared by value."""
    ((kind, held),) = value.items()
    return Decimal(held) if kind == "N" else held


class _Reader:
    def __init__(self, expression: str) -> None:
        self.tokens = _TOKEN.findall(expression)
        if "".join(self.tokens) != re.sub(r"\s", "", expression):
            raise ValueError(f"unknown expression: {expression}")
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if not token or (wanted and token not in wanted):
            raise ValueError(f"{token!r} where {wanted} was expected in {self.tokens}")
        self.at += 1
        return str(token)


@cache
def condition(expression: str) -> Condition:
    """Compile a condition expression to a function of (item, names, values). Raises ValueError for
    an expression that the adapters do not use."""
    reader = _Reader(expression)
    found = _either(reader)
    if reader.peek():
        raise ValueError(f"unknown expression: {expression}")
    return found


def _either(reader: _Reader) -> Condition:
    parts = [_both(reader)]
    while reader.peek() == "OR":
        reader.take()
        parts.append(_both(reader))
    return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)


def _both(reader: _Reader) -> Condition:
    parts = [_single(reader)]
    while reader.peek() == "AND":
        reader.take()
        parts.append(_single(reader))
    if len(parts) == 1:
        return parts[0]

    def every(scope: Scope) -> bool:
        for part in parts:  # noqa: SIM110  # a generator would take a third more time
            if not part(scope):
                return False
        return True

    return every


def _single(reader: _Reader) -> Condition:
    if reader.peek() == "(":
        reader.take()
        inner = _either(reader)
        reader.take(")")
        return inner
    if reader.peek() == "NOT":
        reader.take()
        negated = _single(reader)
        return lambda scope: not negated(scope)
    if reader.peek() in ("attribute_exists", "attribute_not_exists"):
        return _existence(reader)
    left = _operand(reader)
    if reader.peek() == "BETWEEN":
        reader.take()
        low = _operand(reader)
        reader.take("AND")
        high = _operand(reader)
        above, below = _comparison(">=", left, low), _comparison("<=", left, high)
        return lambda scope: above(scope) and below(scope)
    sign = reader.take(*_COMPARE)
    return _comparison(sign, left, _operand(reader))


def _existence(reader: _Reader) -> Condition:
    wanted = reader.take() == "attribute_exists"
    reader.take("(")
    operand = _operand(reader)
    reader.take(")")
    return lambda scope: (operand(scope) is not None) == wanted


def _operand(reader: _Reader) -> Operand:
    token = reader.take()
    if token.startswith(":"):
        return lambda scope: scope[2][token]
    if token == "if_not_exists":
        reader.take("(")
        stored = _operand(reader)
        reader.take(",")
        given = _operand(reader)
        reader.take(")")

        def first(scope: Scope) -> Mapping[str, Any] | None:
            found = stored(scope)
            return given(scope) if found is None else found

        return first
    if token.startswith("#"):
        return lambda scope: scope[0].get(scope[1][token])
    name = unreserved(token)
    return lambda scope: scope[0].get(name)


def _name(token: str, scope: Scope) -> str:
    return scope[1][token] if token.startswith("#") else unreserved(token)


def unreserved(name: str) -> str:
    """Return a name that is used without `#`. Raises ValueError if AWS reserves the word."""
    if name.upper() in ReservedKeywords.get_reserved_keywords():
        raise ValueError(f"{name} is a reserved word")
    return name


def _comparison(sign: str, left: Operand, right: Operand) -> Condition:
    """Return a condition that compares as DynamoDB does: absent values and other types do not
    match."""
    compare = _COMPARE[sign]

    def holds(scope: Scope) -> bool:
        a, b = left(scope), right(scope)
        if a is None or b is None:
            return False
        ((kind, one),), ((other, two),) = a.items(), b.items()
        if kind != other:
            return False
        return compare(Decimal(one), Decimal(two)) if kind == "N" else compare(one, two)

    return holds


def updated(expression: str, scope: Scope) -> dict[str, Mapping[str, Any]]:
    """Return the item after an update expression. The expression may have SET, REMOVE and ADD
    clauses; ADD takes numbers. Raises ValueError for anything else."""
    reader = _Reader(expression)
    after = dict(scope[0])
    while reader.peek():
        clause = reader.take("SET", "REMOVE", "ADD")
        while True:
            name = _name(reader.take(), scope)
            if clause == "REMOVE":
                after.pop(name, None)
            elif clause == "ADD":
                added = _operand(reader)(scope) or {}
                after[name] = {"N": str(plain(after.get(name, {"N": "0"})) + Decimal(added["N"]))}
            else:
                reader.take("=")
                value = _operand(reader)(scope)
                if value is None:
                    raise ValueError(f"{name} is set to nothing")
                after[name] = value
            if reader.peek() != ",":
                break
            reader.take()
    return after
