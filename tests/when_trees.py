"""Makes random conditions `when` with small windows, so that short series decide them."""

from __future__ import annotations

import random
from decimal import Decimal

from chalicelib.domain.when.building import Place, checked_leaf
from chalicelib.domain.when.catalogue import CATALOGUE, FIELDS
from chalicelib.domain.when.nodes import (
    ARITHMETIC,
    COMPARISONS,
    EDGES,
    GROUPS,
    LASTING,
    Arithmetic,
    Comparison,
    Condition,
    Edge,
    Expression,
    Group,
    Lasting,
    Leaf,
    Not,
)


class Trees:
    """Makes conditions for a rule on an interval.

    A leaf has one of `intervals`, or none if the rule is on bars. It has one of `symbols` or none.
    """

    def __init__(
        self,
        source: random.Random,
        interval: str,
        intervals: tuple[str, ...],
        symbols: tuple[str, ...] = (),
    ) -> None:
        self._source = source
        self._on_ticks = interval == "tick"
        self._intervals = intervals
        self._symbols = symbols

    def condition(self, depth: int = 2) -> Condition:
        """Return a condition with at most `depth` levels above its comparisons."""
        pick = self._source.random()
        if depth and pick < 0.25:
            parts = tuple(self.condition(depth - 1) for _ in range(self._source.randint(2, 3)))
            return Group(self._source.choice(list(GROUPS)), parts)
        if depth and pick < 0.35:
            return Not(self.condition(depth - 1))
        if depth and pick < 0.5:
            bars = self._source.randint(1, 3)
            return Lasting(self._source.choice(LASTING), bars, self.condition(depth - 1))
        if pick < 0.6:
            values = (self._value(), self._value(), self._value())
            return Edge(self._source.choice(EDGES), *values)
        op = self._source.choice(list(COMPARISONS))
        return Comparison(op, self._value(), self._value())

    def _value(self, depth: int = 1) -> Expression:
        pick = self._source.random()
        if pick < 0.2:
            return Decimal(self._source.choice(["0", "-1.5", "30", "70", "100", "0.00000001"]))
        if depth and pick < 0.35:
            op = self._source.choice(list(ARITHMETIC))
            return Arithmetic(op, self._value(depth - 1), self._value(depth - 1))
        return self.leaf(self._source.choice(list(CATALOGUE)))

    def leaf(self, name: str) -> Leaf:
        """Return a leaf with this name."""
        source, entry = self._source, CATALOGUE[name]
        if name == "close" and self._on_ticks and source.random() < 0.5:
            return Leaf("close")
        numbers = tuple(
            Decimal(source.choice([3, 5]) if one.name == "slow" else source.choice([1, 2]))
            for one in entry.numbers
        )
        interval = source.choice(self._intervals)
        if not self._on_ticks and source.random() < 0.5:
            interval = ""
        symbol = source.choice(self._symbols) if self._symbols and source.random() < 0.3 else ""
        of = source.choice(FIELDS) if entry.of else ""
        ago = source.choice([0, 0, 0, 1, 2])
        return checked_leaf(Leaf(name, of, numbers, interval, symbol, ago), Place())
