"""Checks policies against AWS's Service Authorization Reference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.deploy_support.emulated_aws import ROOT

Statement = dict[str, Any]

_TABLE = ROOT / "tests" / "data" / "service-authorization.json"
_TAGGING = ("TagResource", "UntagResource", "ListTagsForResource")
"""Actions on one of several resource types, although the reference calls each type required."""


def listed(value: Any) -> list[str]:
    """Return a text or a list of texts as a list."""
    return [value] if isinstance(value, str) else list(value)


def problems(statements: list[Statement]) -> list[str]:
    """Return a line for each action, resource or condition that cannot match any request."""
    found = [problem for one in statements for problem in _of_statement(one)]
    return sorted({*found, *_uncovered(statements)})


@cache
def _services() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_TABLE.read_text())["services"]
    return found


def _known(action: str) -> dict[str, Any] | None:
    service, _, name = action.partition(":")
    found: dict[str, Any] | None = _services().get(service, {}).get("actions", {}).get(name)
    return found


def _formats(action: str) -> dict[str, str]:
    """Return an ARN for each resource type of an action, with `*` for the variable parts."""
    resources = _services()[action.partition(":")[0]]["resources"]
    types = (_known(action) or {"types": {}})["types"]
    return {kind: re.sub(r"\$\{[^}]*\}", "*", resources[kind]["arn"]) for kind in types}


def _of_statement(statement: Statement) -> Iterator[str]:
    resources = listed(statement["Resource"])
    actions = listed(statement["Action"])
    for action in actions:
        if _known(action) is None:
            yield f"{action}: the reference does not know it"
        else:
            yield from _of_resources(action, resources)
            yield from _of_conditions(action, statement.get("Condition", {}))
    for resource in set(resources) - {"*"}:
        if not any(_fits(resource, action) for action in actions if _known(action)):
            yield f"{resource}: no action of the statement knows such a resource"


def _of_resources(action: str, resources: list[str]) -> Iterator[str]:
    is_any = resources == ["*"]
    if _formats(action) and is_any:
        yield f"{action}: any resource, where it knows {', '.join(_formats(action))}"
    elif not _formats(action) and not is_any:
        yield f"{action}: knows no resource types, so only * fits"
    elif not is_any and not any(_fits(resource, action) for resource in resources):
        yield f"{action}: none of the resources is of its types {', '.join(_formats(action))}"


_CONTEXT = re.compile("^kms:EncryptionContext:.*")
_ANY_CONTEXT = "kms:EncryptionContext:${EncryptionContextKey}"


def _of_conditions(action: str, conditions: dict[str, dict[str, Any]]) -> Iterator[str]:
    service, known = _services()[action.partition(":")[0]], _known(action)
    assert known is not None
    keys = {*known["conditions"]}
    keys |= {key for kind in known["types"] for key in service["resources"][kind]["conditions"]}
    for key in (key for tests in conditions.values() for key in tests):
        if not {key, re.sub("/.*", "/${TagKey}", key), _CONTEXT.sub(_ANY_CONTEXT, key)} & keys:
            yield f"{action}: does not know the condition {key}"


def _uncovered(statements: list[Statement]) -> Iterator[str]:
    """Yield the actions that need a right on several resources at once and have it on some only."""
    by_action: dict[str, set[str]] = {}
    for statement in statements:
        for action in filter(_known, listed(statement["Action"])):
            by_action.setdefault(action, set()).update(listed(statement["Resource"]))
    for action, resources in by_action.items():
        known = _known(action)
        assert known is not None
        for kind, required in known["types"].items():
            is_met = any(overlap(one, _formats(action)[kind]) for one in resources)
            if required and not is_met and not action.endswith(_TAGGING):
                yield f"{action}: needs the right on a {kind}, too"


def _fits(resource: str, action: str) -> bool:
    return any(overlap(resource, one) for one in _formats(action).values())


@cache
def overlap(one: str, other: str) -> bool:
    """Return whether a text matches both patterns, in which `*` matches any characters."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(other, one)
    return one[0] == other[0] and overlap(one[1:], other[1:])
