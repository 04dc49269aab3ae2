"""Reads and writes the JSON form of a tree: objects with `op`, objects with `value`, and numbers.

{"op": "all", "of": [
    {"op": "below", "left": {"value": "rsi", "window": 14}, "right": 30},
    {"op": "above", "left": {"value": "close"},
     "right": {"value": "sma", "window": 200, "interval": "1d"}}]}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from chalicelib.domain.when.building import (
    Part,
    Place,
    Size,
    checked_bars,
    checked_leaf,
    checked_name,
    checked_number,
)
from chalicelib.domain.when.catalogue import CATALOGUE
from chalicelib.domain.when.nodes import (
    ARITHMETIC,
    COMPARISONS,
    EDGES,
    GROUPS,
    LASTING,
    MAX_DEPTH,
    MAX_NODES,
    Arithmetic,
    Comparison,
    Condition,
    Edge,
    Group,
    Lasting,
    Leaf,
    Node,
    Not,
)

MAX_PARTS = (MAX_NODES - 1) // 3
"""The most conditions right below one `all` or `any`: each has at least three nodes."""

_OF_VALUES = {
    **dict.fromkeys(COMPARISONS, (Comparison, ("left", "right"))),
    **dict.fromkeys(EDGES, (Edge, ("of", "low", "high"))),
}
"""The conditions that are made of values, with the fields that hold the values."""

_PARTS = {
    **{op: fields for op, (_, fields) in _OF_VALUES.items()},
    **dict.fromkeys(GROUPS, ("of",)),
    **dict.fromkeys(LASTING, ("of", "bars")),
    "not": ("of",),
}
"""The fields, beside `op`, of each kind of condition."""


def read_json(given: object) -> Condition:
    """Return the tree of a JSON value. Raises WhenError with the path of the invalid node."""
    part = _Json().condition(given, "when", 0)
    return cast("Condition", part.node)


def to_json(node: Node) -> Any:
    """Return a tree as a JSON value."""
    match node:
        case Decimal():
            return node
        case Leaf():
            return _leaf_json(node)
        case Arithmetic() | Comparison():
            return {"op": node.op, "left": to_json(node.left), "right": to_json(node.right)}
        case Edge():
            low, high = to_json(node.low), to_json(node.high)
            return {"op": node.op, "of": to_json(node.value), "low": low, "high": high}
        case Group():
            return {"op": node.op, "of": [to_json(one) for one in node.of]}
        case Not():
            return {"op": "not", "of": to_json(node.of)}
        case Lasting():
            return {"op": node.op, "bars": node.bars, "of": to_json(node.of)}


def _leaf_json(leaf: Leaf) -> dict[str, Any]:
    found: dict[str, Any] = {"value": leaf.name}
    if leaf.of:
        found["of"] = leaf.of
    for one, number in zip(CATALOGUE[leaf.name].numbers, leaf.numbers, strict=True):
        found[one.name] = int(number) if one.whole else number
    for name in ("interval", "symbol", "ago"):
        if getattr(leaf, name):
            found[name] = getattr(leaf, name)
    return found


class _Json:
    """Reads one JSON value; `depth` bounds the recursion."""

    def __init__(self) -> None:
        self._size = Size()

    def condition(self, given: object, path: str, depth: int) -> Part:
        place = Place(path=path)
        fields = _object(given, place, depth)
        op = fields.get("op")
        if not isinstance(op, str) or op not in _PARTS:
            where = Place(path=f"{path}.op")
            raise where.error(op, ", ".join(_PARTS))
        _check_names(fields, ("op", *_PARTS[op]), place)
        if op in _OF_VALUES:
            return self._of_values(*_OF_VALUES[op], fields, path, depth)
        if op in GROUPS:
            return self._group(op, fields["of"], path, depth)
        below = self.condition(fields["of"], f"{path}.of", depth + 1)
        held = cast("Condition", below.node)
        if op == "not":
            return self._size.part(Not(held), [below], place)
        bars = checked_bars(fields["bars"], Place(path=f"{path}.bars"))
        return self._size.part(Lasting(op, bars, held), [below], place)

    def _group(self, op: str, given: object, path: str, depth: int) -> Part:
        place = Place(path=f"{path}.of")
        if not isinstance(given, list) or not 2 <= len(given) <= MAX_PARTS:
            raise place.error(given, f"a list of 2 to {MAX_PARTS} conditions")
        parts = [self.condition(one, f"{path}.of[{at}]", depth + 1) for at, one in enumerate(given)]
        nodes = tuple(cast("Condition", part.node) for part in parts)
        return self._size.part(Group(op, nodes), parts, place)

    def _of_values(
        self,
        kind: Callable[..., Node],
        names: tuple[str, ...],
        fields: Mapping[str, Any],
        path: str,
        depth: int,
    ) -> Part:
        parts = [self._value(fields[name], f"{path}.{name}", depth + 1) for name in names]
        node = kind(fields["op"], *(part.node for part in parts))
        return self._size.part(node, parts, Place(path=path))

    def _value(self, given: object, path: str, depth: int) -> Part:
        place = Place(path=path)
        number = _number(given)
        if number is not None:
            return self._size.part(checked_number(number, place), [], place)
        fields = _object(given, place, depth)
        if "value" in fields:
            return self._size.part(_leaf(fields, place), [], place)
        op = fields.get("op")
        if not isinstance(op, str) or op not in ARITHMETIC:
            allowed = f"{', '.join(ARITHMETIC)}, or an object with `value`"
            raise Place(path=f"{path}.op").error(op, allowed)
        _check_names(fields, ("op", "left", "right"), place)
        return self._of_values(Arithmetic, ("left", "right"), fields, path, depth)


def _leaf(fields: Mapping[str, Any], place: Place) -> Leaf:
    given = fields["value"]
    where = Place(path=f"{place.path}.value")
    name = checked_name(given if isinstance(given, str) else "", where)
    entry = CATALOGUE[name]
    known = ["value", *(one.name for one in entry.numbers), *(["of"] if entry.of else [])]
    _check_names(fields, ("value",), place, (*known, "interval", "symbol", "ago"))
    numbers: list[Decimal] = []
    for one in entry.numbers:
        number = _number(fields.get(one.name))
        if number is None and fields.get(one.name) is None:
            number = one.default
        if number is None:
            raise Place(path=f"{place.path}.{one.name}").error(fields.get(one.name), one.allowed)
        numbers.append(number)
    texts = [_text(fields, field, place) for field in ("of", "interval", "symbol")]
    ago = fields.get("ago") or 0
    checked_bars(ago, Place(path=f"{place.path}.ago"), least=0)
    of, interval, symbol = texts
    symbol = symbol.upper() if symbol.isascii() else symbol
    return checked_leaf(Leaf(name, of, tuple(numbers), interval, symbol, ago), place)


def _text(fields: Mapping[str, Any], field: str, place: Place) -> str:
    value = fields.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Place(path=f"{place.path}.{field}").error(value, "a string")
    return value


def _object(given: object, place: Place, depth: int) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise place.error(given, "an object")
    if depth >= MAX_DEPTH:
        raise place.error("it", f"at most {MAX_DEPTH} levels")
    return given


def _check_names(
    fields: Mapping[str, Any],
    needed: tuple[str, ...],
    place: Place,
    known: tuple[str, ...] | None = None,
) -> None:
    """Raise WhenError unless all of `needed` are among the fields, and all fields are known."""
    for name in fields:
        if name not in (known or needed):
            raise place.error(name, f"only {', '.join(known or needed)}")
    for name in needed:
        if name not in fields:
            raise Place(path=f"{place.path}.{name}").error(None, "a value")


def _number(given: object) -> Decimal | None:
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal):
        return None
    return given if isinstance(given, Decimal) else Decimal(str(given))
