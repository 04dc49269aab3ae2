"""Page tokens of previews. They hold how far a preview got, and what its rule remembers there.

A client can make a token that `page_tokens` accepts, so the contents are checked, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from chalicelib.api import instants, page_tokens
from chalicelib.api.problems import invalid_field
from chalicelib.domain.rules import Rule
from chalicelib.domain.splits import DatedClose
from chalicelib.domain.watching import RuleState
from chalicelib.services.rules.preview_run import Position

FIELD = "page_token"
_PATH = "/rules/preview"
_ALLOWED = "the next_page_token of an answer to this very preview"
_FREE_TO_CHANGE = (FIELD, "backtest")
_LENGTH = 4
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HIGHEST = Decimal(10) ** 12


def encode(position: Position, given: Mapping[str, Any]) -> str:
    """Return the token that continues the preview requested by the body `given` at a position."""
    date, close = position.close_before or (None, None)
    texts = [
        position.until,
        msgspec.json.encode(position.rule_state).decode(),
        date,
        None if close is None else str(close),
    ]
    return page_tokens.encode(texts, _PATH, _bound(given))


def decode(token: object, given: Mapping[str, Any], rule: Rule) -> Position:
    """Return the position that a token holds. Raises Problem unless the token was made for this
    body and rule."""
    if not isinstance(token, str):
        raise invalid_field(FIELD, token, _ALLOWED)
    try:
        until, remembered, date, close = page_tokens.decode(token, _PATH, _bound(given), _LENGTH)
        rule_state = msgspec.json.decode(remembered or "", type=RuleState)
        _check(rule_state, rule)
        return Position(_instant(until), rule_state, _dated(date, close))
    except (ValueError, msgspec.DecodeError, InvalidOperation) as error:
        raise invalid_field(FIELD, token, _ALLOWED) from error


def _bound(given: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: msgspec.json.encode(value).decode()
        for name, value in given.items()
        if name not in _FREE_TO_CHANGE
    }


def _instant(text: str | None) -> str:
    if text is None or instants.parse(text) != text:
        raise ValueError("not a stored instant")
    return text


def _dated(date: str | None, close: str | None) -> DatedClose | None:
    if date is None or close is None:
        return None
    value = Decimal(close)
    if not (_DATE.fullmatch(date) and value.is_finite() and 0 < value < _HIGHEST):
        raise ValueError("not a close")
    return date, value


def _check(rule_state: RuleState, rule: Rule) -> None:
    if rule_state.fingerprint != rule.fingerprint:
        raise ValueError("of another rule")
    if rule_state.fired_at:
        _instant(rule_state.fired_at)
    if rule.when is not None and rule_state.memory:
        from chalicelib.domain.when.reading import tree_of
        from chalicelib.domain.when.truth import Decider

        decide = Decider(tree_of(rule.when))
        decide.memory = rule_state.memory
        if decide.memory != rule_state.memory:
            raise ValueError("of another condition")
