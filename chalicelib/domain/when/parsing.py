"""Parses the field `when` that a client sends, and returns the text that rules store."""

from __future__ import annotations

from chalicelib.domain.when.errors import WhenError
from chalicelib.domain.when.json_form import read_json
from chalicelib.domain.when.lexing import MAX_TEXT
from chalicelib.domain.when.needs import check_needs
from chalicelib.domain.when.nodes import without_symbol
from chalicelib.domain.when.reading import tree_of
from chalicelib.domain.when.writing import to_text


def parse_when(given: object, interval: str, symbol: str) -> str:
    """Return the text form, with all defaults written out, of a condition given as text or as a
    JSON tree.

    `interval` and `symbol` are the rule's; the text does not name that symbol. Raises WhenError for
    a condition that cannot be read, and RuleError for one that needs too much.
    """
    if not isinstance(given, str | dict):
        raise WhenError(given, "a text such as rsi(14) < 30, or a tree")
    condition = tree_of(given) if isinstance(given, str) else read_json(given)
    condition = without_symbol(condition, symbol)
    check_needs(condition, interval)
    text = to_text(condition)
    if len(text) > MAX_TEXT:
        allowed = f"at most {MAX_TEXT:,} characters, with all defaults written out"
        raise WhenError(f"{len(text):,} characters", allowed)
    return text
