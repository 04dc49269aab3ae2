"""Checks of trees in text form and in JSON form: the size of a tree, and its leaves."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from chalicelib.domain.ticks import SYMBOL, SYMBOL_ALLOWED, number
from chalicelib.domain.when.catalogue import CATALOGUE, FIELDS, INTERVALS
from chalicelib.domain.when.errors import WhenError
from chalicelib.domain.when.nodes import MAX_BARS, MAX_DEPTH, MAX_NODES, Leaf, Node

VALUE_LIMIT = Decimal(10) ** 12


class Part(NamedTuple):
    """A node and the number of levels of its tree, including the node's own level."""

    node: Node
    depth: int


class Place(NamedTuple):
    """Where a node is written: a column of the text, or a path in the JSON tree. Errors name it."""

    column: int | None = None
    path: str = "when"

    def error(self, value: object, allowed: str) -> WhenError:
        """Return the error for a value at this place."""
        return WhenError(value, allowed, column=self.column, path=self.path)


class Size:
    """Counts the nodes of a tree while the tree is built."""

    def __init__(self) -> None:
        self._nodes = 0

    def part(self, node: Node, parts: Sequence[Part], place: Place) -> Part:
        """Return a node over its parts. Raises WhenError beyond MAX_NODES or MAX_DEPTH."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise place.error("it", f"at most {MAX_NODES} values, comparisons and operators")
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            raise place.error("it", f"at most {MAX_DEPTH} levels")
        return Part(node, depth)


def checked_number(value: Decimal, place: Place) -> Decimal:
    """Return a number in its stored form. Raises WhenError unless it is below 10^12 and has at most
    eight decimals."""
    # abs() of a number beyond the context's exponents raises Overflow.
    if not value.is_finite() or value.copy_abs() >= VALUE_LIMIT:
        raise place.error(str(value)[:40], "a number below 10^12")
    if number(value) != value:
        raise place.error(str(value)[:40], "a number with at most eight decimals")
    return number(value)


def checked_bars(value: object, place: Place, least: int = 1) -> int:
    """Return `value`. Raises WhenError unless it is a number of bars from `least` to MAX_BARS."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_BARS:
        raise place.error(value, f"a whole number of bars from {least} to {MAX_BARS}")
    return value


def checked_name(name: str, place: Place) -> str:
    """Return the name of a value in lower case. Raises WhenError for an unknown name, with the most
    similar known name."""
    known = name.lower()
    if known in CATALOGUE:
        return known
    near = difflib.get_close_matches(known[:30], CATALOGUE, 1)
    hint = f"{near[0]}? One of " if near else "one of "
    raise place.error(name, hint + ", ".join(CATALOGUE))


def checked_leaf(leaf: Leaf, place: Place) -> Leaf:
    """Return a leaf in which missing last numbers have their defaults. Raises WhenError for an
    argument that the leaf's value does not allow."""
    entry = CATALOGUE[leaf.name]
    if len(leaf.numbers) > len(entry.numbers):
        most = ", ".join(one.name for one in entry.numbers) or "no number"
        raise place.error(_shown(leaf.numbers), f"{leaf.name}: {most}")
    numbers = list(leaf.numbers)
    for at, one in enumerate(entry.numbers):
        if at < len(numbers):
            if not one.takes(numbers[at]):
                raise place.error(str(numbers[at]), f"{one.name} of {leaf.name}: {one.allowed}")
        elif one.default is None:
            raise place.error(leaf.name, f"{leaf.name} with its {one.name}, {one.allowed}")
        else:
            numbers.append(one.default)
    if entry.numbers and entry.numbers[0].name == "fast" and numbers[0] >= numbers[1]:
        raise place.error(_shown(numbers), f"{leaf.name} with fast below slow")
    of = _checked_field(leaf, place)
    _check_series(leaf, place)
    return Leaf(leaf.name, of, tuple(map(number, numbers)), leaf.interval, leaf.symbol, leaf.ago)


def _checked_field(leaf: Leaf, place: Place) -> str:
    entry = CATALOGUE[leaf.name]
    if not leaf.of:
        if entry.must_choose:
            raise place.error(
                leaf.name, f"{leaf.name} of {', '.join(FIELDS)}: {leaf.name}(volume, 20)"
            )
        return entry.of
    if not entry.of:
        raise place.error(leaf.of, f"{leaf.name} without a price")
    if leaf.of not in FIELDS:
        raise place.error(leaf.of, ", ".join(FIELDS))
    return leaf.of


def _check_series(leaf: Leaf, place: Place) -> None:
    if leaf.interval and leaf.interval not in INTERVALS:
        raise place.error(leaf.interval, ", ".join(INTERVALS))
    if leaf.symbol and not SYMBOL.fullmatch(leaf.symbol):
        raise place.error(leaf.symbol, SYMBOL_ALLOWED)
    checked_bars(leaf.ago, place, least=0)


def _shown(numbers: Sequence[Decimal]) -> str:
    return ", ".join(map(str, numbers))
