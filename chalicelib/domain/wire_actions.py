"""Parses corporate actions on the wire: objects with `action` and without a price.

Versions without actions refuse such a line, like any line without a price, and SQL skips it.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

import msgspec

from chalicelib.domain.actions import HIGHEST_RATIO, Action, Kind
from chalicelib.domain.errors import TickError, UnreadableError
from chalicelib.domain.payloads import UNREADABLE
from chalicelib.domain.ticks import UNKNOWN_SOURCE, as_price, parse_symbol
from chalicelib.domain.times import is_instant

_MARK = b'"action"'
_KINDS = get_args(Kind)
SPLIT = re.compile(r"[1-9][0-9]{0,5}:[1-9][0-9]{0,5}")
_FIRST = "1900-01-01"
_RATIO = f"new shares for old ones, such as 4:1, at most {HIGHEST_RATIO}:1 or 1:{HIGHEST_RATIO}"
_AMOUNT = "a number above 0 and below previous_close, also after rounding to eight decimals"
_CLOSE = "the close of the session before the ex-date, a number above 0 and below 10^12"


class ActionFields(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The fields of an action in the order of the line; docs/producer.md describes them."""

    symbol: str
    timestamp: str | None = None
    action: str
    ex_date: str
    split: str | None = None
    amount: Decimal | None = None
    previous_close: Decimal | None = None
    source: str | None = None
    sent_at: str | None = None


class _Named(msgspec.Struct):
    action: msgspec.Raw = msgspec.Raw(b"null")
    price: msgspec.Raw = msgspec.Raw(b"null")


_named = msgspec.json.Decoder(_Named)
_fields = msgspec.json.Decoder(ActionFields)


def action_fields(part: bytes | msgspec.Raw) -> ActionFields | None:
    """Return the fields of an action; None for any other object. A line with a price is a tick,
    whatever else it has. Raises UnreadableError if an action's fields are missing or have the wrong
    type."""
    if _MARK not in bytes(part):
        return None
    try:
        named = _named.decode(part)
    except UNREADABLE:
        return None
    if bytes(named.action) == b"null" or bytes(named.price) != b"null":
        return None
    try:
        return _fields.decode(part)
    except UNREADABLE as error:
        raise UnreadableError(str(error)) from error


def to_action(wire: ActionFields, timestamp: str, source: str | None) -> Action:
    """Return the action with a line's fields, known since `timestamp`. `timestamp` and `source`
    have already been checked. Raises TickError for an invalid field."""
    if wire.action not in _KINDS:
        raise TickError("action", wire.action, ", ".join(_KINDS))
    is_split = wire.action == "split"
    return Action(
        symbol=parse_symbol(wire.symbol),
        kind=wire.action,  # type: ignore[arg-type]  # checked above
        ex_date=_ex_date(wire.ex_date, timestamp),
        known_at=timestamp,
        source=source or UNKNOWN_SOURCE,
        ratio=_ratio(wire.split) if is_split else None,
        amount=None if is_split else _amount(wire.amount, wire.previous_close),
        previous_close=None if is_split else _close(wire.previous_close),
    )


def check_action(action: Action) -> None:
    """Raise TickError or ValueError if a stored action has values that no line may have."""
    if not is_instant(action.known_at):
        raise TickError("known_at", action.known_at, "a stored timestamp")
    _ex_date(action.ex_date, action.known_at)
    if action.kind == "split":
        _ratio(action.ratio)
    else:
        _amount(action.amount, action.previous_close)


def _ex_date(text: str, known_at: str) -> str:
    """Return the ex-date if it is valid, else raise TickError. The date may be a day ahead of UTC's
    date, since sessions in Auckland begin before that date does in UTC."""
    latest = (date.fromisoformat(known_at[:10]) + timedelta(days=1)).isoformat()
    try:
        found = date.fromisoformat(text).isoformat()
    except ValueError:
        found = ""
    if found != text or not _FIRST <= found <= latest:
        raise TickError("ex_date", text, f"a date from {_FIRST} to {latest}, such as 2020-08-31")
    return found


def _ratio(split: str | None) -> str:
    if split is None or not SPLIT.fullmatch(split):
        raise TickError("split", split, _RATIO)
    new, old = map(int, split.split(":"))
    if new == old or max(new, old) > HIGHEST_RATIO * min(new, old):
        raise TickError("split", split, _RATIO)
    return split


def _close(value: Decimal | None) -> Decimal:
    found = None if value is None else as_price(value)
    if found is None:
        raise TickError("previous_close", None if value is None else str(value), _CLOSE)
    return found


def _amount(value: Decimal | None, previous_close: Decimal | None) -> Decimal:
    found = None if value is None else as_price(value)
    if found is None or found >= _close(previous_close):
        raise TickError("amount", None if value is None else str(value), _AMOUNT)
    return found
