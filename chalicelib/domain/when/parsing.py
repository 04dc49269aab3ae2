"""The field `when` as clients give it and as rules keep it."""

from __future__ import annotations

from chalicelib.domain.when.errors import WhenError
from chalicelib.domain.when.json_form import read_json
from chalicelib.domain.when.needs import check_needs
from chalicelib.domain.when.reading import tree_of
from chalicelib.domain.when.writing import to_text


def parse_when(given: object, interval: str) -> str:
    """Return the text form of a condition given as text or as a tree, with all defaults.

    Raises WhenError for one that cannot be read, and RuleError for one that needs too much.
    """
    if not isinstance(given, str | dict):
        raise WhenError(given, "a text such as rsi(14) < 30, or a tree")
    condition = tree_of(given) if isinstance(given, str) else read_json(given)
    check_needs(condition, interval)
    return to_text(condition)
