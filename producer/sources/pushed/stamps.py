"""Converts times of trades to stored text, quickly if the time is valid."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from chalicelib.domain.times import EPOCH, from_text, is_canonical, to_text
from producer.years import FIRST, LAST, plausible

_STORED = len("2026-11-20T15:30:00.123456Z")
_WHOLE = len("2026-11-20T15:30:00.")


def stored(text: str) -> str:
    """Convert an RFC 3339 time to stored text, cut to microseconds. Raises ValueError for any other
    text and for implausible years."""
    if len(text) > _STORED and text[-1] == "Z":
        text = text[: _STORED - 1] + "Z"
    if len(text) == _STORED and is_canonical(text):
        if not FIRST <= datetime.fromisoformat(text).year <= LAST:
            raise ValueError(f"{text} is not in the years {FIRST} to {LAST}")
        return text
    return to_text(plausible(from_text(text)))


def stored_milliseconds(milliseconds: int) -> str:
    """Convert milliseconds since the epoch to stored text. Raises ValueError or OverflowError for
    implausible years."""
    seconds, left = divmod(milliseconds, 1000)
    return f"{_second(seconds)}{left:03}000Z"


@lru_cache(64)  # many trades share a second
def _second(seconds: int) -> str:
    """Return the stored text of a second, up to the decimal point."""
    return to_text(plausible(EPOCH + timedelta(seconds=seconds)))[:_WHOLE]
