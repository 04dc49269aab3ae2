"""Writes the text form of a tree. Parsing the text gives the same tree."""

from __future__ import annotations

import re
from decimal import Decimal

from chalicelib.domain.when.catalogue import CATALOGUE
from chalicelib.domain.when.nodes import (
    ARITHMETIC,
    COMPARISONS,
    GROUPS,
    Arithmetic,
    Comparison,
    Edge,
    Group,
    Lasting,
    Leaf,
    Node,
    Not,
)

PLAIN_SYMBOL = re.compile(r"[A-Z][A-Z0-9]*", re.ASCII)
"""The form of symbols that need no quotes."""

LEVELS = {"any": 1, "all": 2, "not": 3, "lasting": 4, "compare": 5, "plus": 6, "times": 7, "one": 8}
"""How strongly each kind of node binds. A node within a stronger one needs parentheses."""


def to_text(node: Node) -> str:
    """Return the text form of a tree."""
    match node:
        case Decimal():
            return plain_number(node)
        case Leaf():
            return leaf_text(node)
        case Arithmetic():
            level = level_of(node)
            return f"{_at(node.left, level)} {ARITHMETIC[node.op]} {_at(node.right, level + 1)}"
        case Comparison():
            return f"{_at(node.left, 6)} {COMPARISONS[node.op]} {_at(node.right, 6)}"
        case Edge():
            low, high = _at(node.low, 6), _at(node.high, 6)
            return f"{_at(node.value, 6)} {node.op} {low} to {high}"
        case Group():
            level = level_of(node) + 1
            return f" {GROUPS[node.op]} ".join(_at(one, level) for one in node.of)
        case Not():
            return f"not {_at(node.of, LEVELS['not'])}"
        case Lasting():
            return f"{_at(node.of, LEVELS['lasting'])} {node.op} {node.bars} bars"


def level_of(node: Node) -> int:
    """Return a node's precedence: how strongly it binds."""
    match node:
        case Group():
            return LEVELS[node.op]
        case Not():
            return LEVELS["not"]
        case Lasting():
            return LEVELS["lasting"]
        case Comparison() | Edge():
            return LEVELS["compare"]
        case Arithmetic():
            return LEVELS["plus" if node.op in ("plus", "minus") else "times"]
        case _:
            return LEVELS["one"]


def leaf_text(leaf: Leaf) -> str:
    """Return the text of a leaf, such as `rsi(14, 1d, SPY)[1]`. All numbers are written."""
    given = [leaf.of] if leaf.of and leaf.of != _default_of(leaf) else []
    given += [plain_number(number) for number in leaf.numbers]
    given += [leaf.interval] if leaf.interval else []
    given += [_symbol_text(leaf.symbol)] if leaf.symbol else []
    brackets = f"({', '.join(given)})" if given else ""
    return f"{leaf.name}{brackets}{f'[{leaf.ago}]' if leaf.ago else ''}"


def plain_number(number: Decimal) -> str:
    """Return a number without an exponent or superfluous zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _at(node: Node, level: int) -> str:
    """Return a node's text, in parentheses if the node binds more weakly than `level`."""
    text = to_text(node)
    return f"({text})" if level_of(node) < level else text


def _default_of(leaf: Leaf) -> str:
    entry = CATALOGUE[leaf.name]
    return "" if entry.must_choose else entry.of


def _symbol_text(symbol: str) -> str:
    return symbol if PLAIN_SYMBOL.fullmatch(symbol) else f'"{symbol}"'
