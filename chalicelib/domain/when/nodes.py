"""The nodes of a condition's tree. Each node is immutable and hashable.

Expressions have a value: numbers, leaves and arithmetic. Conditions are true, false or unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

MAX_NODES = 80
MAX_DEPTH = 12
"""The most levels of a tree. Since deeper trees are refused, functions over trees may recurse."""
MAX_BARS = 400
"""The most bars of `for`, `within` and `[bars ago]`."""

COMPARISONS = {
    "above": ">",
    "below": "<",
    "at_least": ">=",
    "at_most": "<=",
    "crosses_above": "crosses above",
    "crosses_below": "crosses below",
}
"""The operators of the text form by their names in JSON."""

ARITHMETIC = {"plus": "+", "minus": "-", "times": "*", "over": "/"}
EDGES = ("enters", "leaves")
GROUPS = {"all": "and", "any": "or"}
LASTING = ("for", "within")


class Leaf(msgspec.Struct, frozen=True):
    """A value of the catalogue, such as `rsi(14, 1d, SPY)[1]`.

    of: the price of a bar from which the value is computed, if it can be chosen; numbers: the
    value's windows and factors; interval and symbol: empty for those of the rule; ago: bars back.
    """

    name: str
    of: str = ""
    numbers: tuple[Decimal, ...] = ()
    interval: str = ""
    symbol: str = ""
    ago: int = 0


class Arithmetic(msgspec.Struct, frozen=True):
    """A sum, difference, product or quotient."""

    op: str
    left: Expression
    right: Expression


class Comparison(msgspec.Struct, frozen=True):
    """A comparison of two values at a point. A cross also compares them at the point before."""

    op: str
    left: Expression
    right: Expression


class Edge(msgspec.Struct, frozen=True):
    """The event that a value enters or leaves the range from `low` to `high`, both included."""

    op: str
    value: Expression
    low: Expression
    high: Expression


class Group(msgspec.Struct, frozen=True):
    """A condition that holds if all of its conditions hold, or if any of them holds."""

    op: str
    of: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True):
    """The opposite of a condition."""

    of: Condition


class Lasting(msgspec.Struct, frozen=True):
    """A condition that held at all of the last `bars` bars, or at one of them."""

    op: str
    bars: int
    of: Condition


Expression = Decimal | Leaf | Arithmetic
Condition = Comparison | Edge | Group | Not | Lasting
Node = Expression | Condition


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below a node, in the order of the text."""
    match node:
        case Arithmetic() | Comparison():
            return (node.left, node.right)
        case Edge():
            return (node.value, node.low, node.high)
        case Group():
            return node.of
        case Not() | Lasting():
            return (node.of,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def leaves_of(node: Node) -> list[Leaf]:
    """Return the distinct leaves of a tree, in the order of the text."""
    return list(dict.fromkeys(one for one in walk(node) if isinstance(one, Leaf)))


def without_symbol(condition: Condition, symbol: str) -> Condition:
    """Return a condition in which leaves of the rule's own symbol name no symbol."""

    def bare(node: Any) -> Any:
        match node:
            case Leaf():
                return msgspec.structs.replace(node, symbol="") if node.symbol == symbol else node
            case tuple():
                return tuple(map(bare, node))
            case msgspec.Struct():
                return type(node)(*map(bare, msgspec.structs.astuple(node)))
            case _:  # a number, or any other field
                return node

    found: Condition = bare(condition)
    return found
