"""Decides a condition at one point after another: true, false, or None for unknown.

A condition is unknown if it depends on an unknown value. `not`, `and` and `or` follow Kleene's
logic, so `false and unknown` is false. A condition remembers what crosses, edges, `for` and
`within` need of the points before. This memory can be written as a short text and read again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal, DivisionByZero, InvalidOperation

from chalicelib.domain.when.nodes import (
    Comparison,
    Condition,
    Edge,
    Expression,
    Group,
    Lasting,
    Leaf,
    Not,
)

Truth = bool | None
Values = Mapping[Leaf, Decimal | None]
"""The values of leaves at a point; None for an unknown value."""

_UNKNOWN = "u"


class Decider:
    """Decides one condition at each point in order."""

    def __init__(self, condition: Condition) -> None:
        self._memories: list[_Before | _Counts] = []
        self._decide = self._condition(condition)
        self._beginning = self.memory

    def __call__(self, values: Values) -> Truth:
        """Return whether the condition holds at the next point."""
        return self._decide(values)

    @property
    def memory(self) -> str:
        """Return the memory as a short text without commas. If it is set to an empty text, or to a
        text that no decider wrote, the decider begins again."""
        return "/".join(memory.text for memory in self._memories)

    @memory.setter
    def memory(self, text: str) -> None:
        if not self._memories:
            return
        try:
            self._remember(text or self._beginning)
        except ValueError:
            self._remember(self._beginning)

    def _remember(self, text: str) -> None:
        """Restore the memory from a text. Raises ValueError for a malformed text, after which some
        parts of the memory may have changed."""
        for memory, part in zip(self._memories, text.split("/"), strict=True):
            memory.text = part

    def _condition(self, node: Condition) -> Callable[[Values], Truth]:
        match node:
            case Comparison():
                return self._comparison(node)
            case Edge():
                return self._edge(node)
            case Group():
                parts = [self._condition(one) for one in node.of]
                return _group(parts, decisive=node.op == "any")
            case Not():
                below = self._condition(node.of)
                return lambda values: _not(below(values))
            case Lasting():
                held = self._condition(node.of)
                counts = _Counts(node.bars)
                self._memories.append(counts)
                after = counts.for_all if node.op == "for" else counts.within
                return lambda values: after(held(values))

    def _comparison(self, node: Comparison) -> Callable[[Values], Truth]:
        side = _side_of(node.left, node.right)
        match node.op:
            case "above":
                return lambda values: None if (now := side(values)) is None else now > 0
            case "below":
                return lambda values: None if (now := side(values)) is None else now < 0
            case "at_least":
                return lambda values: None if (now := side(values)) is None else now >= 0
            case "at_most":
                return lambda values: None if (now := side(values)) is None else now <= 0
        memory = _Before(1 if node.op == "crosses_above" else -1, (-1, 0, 1))
        self._memories.append(memory)
        return lambda values: memory.turns(side(values))

    def _edge(self, node: Edge) -> Callable[[Values], Truth]:
        low, high = _side_of(node.value, node.low), _side_of(node.value, node.high)
        memory = _Before(1 if node.op == "enters" else 0, (0, 1))
        self._memories.append(memory)

        def decide(values: Values) -> Truth:
            above, below = low(values), high(values)
            outside = (above is not None and above < 0) or (below is not None and below > 0)
            unknown = above is None or below is None
            return memory.turns(0 if outside else None if unknown else 1)

        return decide


class _Before:
    """The side of a comparison at the last point; for an edge, 1 inside the range and 0 outside.
    None if the side was unknown. `known` has the possible sides."""

    def __init__(self, wanted: int, known: tuple[int, ...]) -> None:
        self._wanted = wanted
        self._texts: dict[str, int | None] = {_UNKNOWN: None} | {str(one): one for one in known}
        self._before: int | None = None

    @property
    def text(self) -> str:
        return _UNKNOWN if self._before is None else str(self._before)

    @text.setter
    def text(self, text: str) -> None:
        if text not in self._texts:
            raise ValueError(f"{text!r:.20} is not a side")
        self._before = self._texts[text]

    def turns(self, now: int | None) -> Truth:
        """Return whether the side is now the wanted one and was another one at the point before;
        None if that is unknown."""
        before, self._before = self._before, now
        if now is not None and now != self._wanted:
            return False
        if before == self._wanted:
            return False
        return None if now is None or before is None else True


class _Counts:
    """How many points ago a condition was last true, false and unknown, up to `bars`."""

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._ago: dict[Truth, int] = {True: bars, False: bars, None: 0}

    @property
    def text(self) -> str:
        return ".".join(str(ago) for ago in self._ago.values())

    @text.setter
    def text(self, text: str) -> None:
        true, false, unknown = map(int, text.split("."))
        if not all(0 <= ago <= self._bars for ago in (true, false, unknown)):
            raise ValueError(f"{text!r:.40} is beyond {self._bars} bars")
        self._ago = {True: true, False: false, None: unknown}

    def _add(self, now: Truth) -> None:
        for truth, ago in self._ago.items():
            self._ago[truth] = 0 if truth is now else min(ago + 1, self._bars)

    def for_all(self, now: Truth) -> Truth:
        """Return whether the condition held at each of the last `bars` points, this one
        included."""
        self._add(now)
        if self._ago[False] < self._bars:
            return False
        return None if self._ago[None] < self._bars else True

    def within(self, now: Truth) -> Truth:
        """Return whether the condition held at one of the last `bars` points, this one included."""
        self._add(now)
        if self._ago[True] < self._bars:
            return True
        return None if self._ago[None] < self._bars else False


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _group(parts: list[Callable[[Values], Truth]], decisive: bool) -> Callable[[Values], Truth]:
    """Return a function that decides several conditions: one `decisive` answer is enough."""

    def decide(values: Values) -> Truth:
        found = [part(values) for part in parts]
        return decisive if decisive in found else None if None in found else not decisive

    return decide


def _side_of(left: Expression, right: Expression) -> Callable[[Values], int | None]:
    """Return a function that returns the sign of `left` - `right` at a point; None if either is
    unknown."""
    first, second = _expression(left), _expression(right)

    def side(values: Values) -> int | None:
        one, other = first(values), second(values)
        if one is None or other is None:
            return None
        return (one > other) - (one < other)

    return side


def _expression(node: Expression) -> Callable[[Values], Decimal | None]:
    if isinstance(node, Decimal):
        return lambda _: node
    if isinstance(node, Leaf):
        return lambda values: values.get(node)
    first, second, compute = _expression(node.left), _expression(node.right), _COMPUTE[node.op]

    def value(values: Values) -> Decimal | None:
        one, other = first(values), second(values)
        return None if one is None or other is None else compute(one, other)

    return value


def _over(one: Decimal, other: Decimal) -> Decimal | None:
    try:
        return one / other
    except (DivisionByZero, InvalidOperation):
        return None


_COMPUTE: dict[str, Callable[[Decimal, Decimal], Decimal | None]] = {
    "plus": operator.add,
    "minus": operator.sub,
    "times": operator.mul,
    "over": _over,
}
