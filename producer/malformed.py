"""Rejects ticks that ingest or every sink would refuse.

Ticks are checked as soon as they come. The check limits the length of each text and number, and so
the length of the tick's line.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from chalicelib.domain.actions import Action
from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import (
    HIGHEST_PRICE,
    HIGHEST_VOLUME,
    LABELS,
    MAX_LABEL,
    NUMBERS,
    SYMBOL,
    as_price,
    as_volume,
)
from chalicelib.domain.times import is_canonical
from chalicelib.domain.wire import LABEL, MOST_FOLDED, starts_bar
from chalicelib.domain.wire_actions import SPLIT, to_action
from producer.wire import WireTick, action_line

_TIMESTAMP_LENGTH = 27
_KEPT = 4096
_HIGHEST = {name: HIGHEST_VOLUME if name == "volume" else HIGHEST_PRICE for name in NUMBERS}
_BAR_PRICES = ("price", "open", "high", "low")


def flaw_of(tick: WireTick) -> str | None:
    """Return why a tick is rejected, such as "malformed currency"; None if it is accepted.

    A tick's prices may be missing (NaN), zero or wrong, since hygiene judges them later. Hygiene
    does not judge bars, so a bar's numbers have to be what ingest accepts.
    """
    name = _malformed(tick)
    return None if name is None else f"malformed {name}"


def _malformed(tick: WireTick) -> str | None:
    """Return the name of the first malformed field; None if there is none."""
    if not _is_symbol(tick.symbol):
        return "symbol"
    if not _is_timestamp(tick.timestamp):
        return "timestamp"
    if tick.action is not None:
        return _malformed_in_action(tick.action)
    for name in LABELS:
        value = getattr(tick, name)
        if value is not None and not _is_label(value):
            return name
    for name in NUMBERS:
        value = getattr(tick, name)
        if value is not None and not _is_number(value, _HIGHEST[name]):
            return name
    if tick.split is not None and not _matches_split(tick.split):
        return "split"
    if tick.folded is not None and not _is_count(tick.folded):
        return "folded"
    return None if tick.bar is None else _malformed_in_bar(tick, tick.bar)


def _malformed_in_bar(bar: WireTick, length: str) -> str | None:
    for name in _BAR_PRICES:
        value = getattr(bar, name)
        if value is None or as_price(value) is None:
            return name
    if bar.volume is not None and as_volume(bar.volume) is None:
        return "volume"
    if bar.high is not None and bar.low is not None and bar.high < bar.low:
        return "high"
    return None if starts_bar(bar.timestamp, length) else "timestamp"


def _malformed_in_action(action: Action) -> str | None:
    """Return which field of an action's line ingest would refuse; None if the line is valid."""
    if not _is_label(action.source):
        return "source"
    try:
        to_action(action_line(action), action.known_at, action.source)
    except TickError as error:
        return error.field
    return None


def _is_symbol(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_LABEL and _matches_symbol(value)


def _is_timestamp(value: object) -> bool:
    if not isinstance(value, str) or len(value) != _TIMESTAMP_LENGTH:
        return False
    return value.isascii() and is_canonical(value)


def _is_number(value: object, highest: Decimal) -> bool:
    if type(value) is not Decimal:
        return False
    return not value.is_finite() or value <= highest


def _is_label(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_LABEL and _matches_label(value)


def _matches_split(value: object) -> bool:
    return isinstance(value, str) and SPLIT.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 1 <= value <= MOST_FOLDED


@lru_cache(_KEPT)  # a source has few symbols
def _matches_symbol(text: str) -> bool:
    return SYMBOL.fullmatch(text) is not None


@lru_cache(_KEPT)
def _matches_label(text: str) -> bool:
    return not text or LABEL.fullmatch(text) is not None
