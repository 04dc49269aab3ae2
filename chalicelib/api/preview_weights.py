"""The number of requests that a preview counts as, by the stored bars that its condition needs."""

from __future__ import annotations

from typing import Any

from chalicelib.api import bodies
from chalicelib.api.problems import Problem
from chalicelib.api.weights import READ_BY_ONE
from chalicelib.domain.errors import RuleError

PATH = "/rules/preview"


def preview_weight(least: int, request: Any) -> int:
    """Return the weight of a preview: `least`, and one more for each READ_BY_ONE stored bars that
    its condition `when` needs before the first price. A body that the view refuses counts as
    `least`."""
    try:
        given = bodies.read_object(request)
        if given.get("when") is None:
            return least
        return least + _stored_bars(given) // READ_BY_ONE
    except (Problem, RuleError):
        return least


def _stored_bars(given: dict[str, Any]) -> int:
    """Return the number of stored bars that the condition in a body needs. Raises RuleError."""
    from chalicelib.domain.rules import parse_rule
    from chalicelib.domain.when.costs import stored_bars_of

    names = ("symbol", "interval", "when")
    return stored_bars_of([parse_rule({name: given.get(name) for name in names}, "preview")])
