"""Lambda's event filtering: decides whether a record matches a pattern.

The rules are those of Amazon EventBridge's patterns, as far as Lambda accepts them:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_ABSENT = object()

_COMPARE = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


class PatternError(ValueError):
    """A filter has a pattern that Lambda would refuse."""


def passes(patterns: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> bool:
    """Return whether a record matches any of the patterns, or there are no patterns."""
    return not patterns or any(matches(pattern, record) for pattern in patterns)


def matches(pattern: Mapping[str, Any], value: Any) -> bool:
    """Return whether a value matches every field of a pattern. Raises PatternError."""
    return all(_field_matches(name, wanted, value) for name, wanted in pattern.items())


def _field_matches(name: str, wanted: Any, value: Any) -> bool:
    if name == "$or":
        return any(matches(pattern, value) for pattern in wanted)
    held = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    if isinstance(wanted, Mapping):
        return matches(wanted, held)
    if not isinstance(wanted, Sequence) or isinstance(wanted, str):
        raise PatternError(f"{name}: a list of values or rules is expected")
    return any(_leaf_matches(rule, held) for rule in wanted)


def _leaf_matches(rule: Any, held: Any) -> bool:
    if isinstance(held, list):
        return any(_leaf_matches(rule, entry) for entry in held)
    if not isinstance(rule, Mapping):
        return _equal(rule, held)
    ((kind, operand),) = rule.items()
    if kind == "exists":
        is_leaf = held is not _ABSENT and not isinstance(held, Mapping)
        return bool(operand) == is_leaf
    return held is not _ABSENT and _rule(kind)(operand, held)


def _rule(kind: str) -> Any:
    try:
        return _RULES[kind]
    except KeyError:
        raise PatternError(f"{kind}: no such rule; allowed: {', '.join(_RULES)}") from None


def _equal(wanted: Any, held: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(held, bool):
        return wanted is held
    return bool(held is not _ABSENT and wanted == held)


def _prefix(operand: str, held: Any) -> bool:
    return isinstance(held, str) and held.startswith(operand)


def _suffix(operand: str, held: Any) -> bool:
    return isinstance(held, str) and held.endswith(operand)


def _equals_ignore_case(operand: str, held: Any) -> bool:
    return isinstance(held, str) and held.casefold() == operand.casefold()


def _numeric(operand: Sequence[Any], held: Any) -> bool:
    if isinstance(held, bool) or not isinstance(held, int | float):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARE[sign](held, bound) for sign, bound in pairs)


def _anything_but(operand: Any, held: Any) -> bool:
    excluded = operand if isinstance(operand, list) else [operand]
    return not any(_leaf_matches(rule, held) for rule in excluded)


_RULES = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "numeric": _numeric,
    "anything-but": _anything_but,
    "exists": None,
}
