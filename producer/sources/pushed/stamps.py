"""Times of trades as stored text, with as little work as a valid time needs."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from chalicelib.domain.times import EPOCH, from_text, is_canonical, to_text
from producer.years import FIRST, LAST, plausible

_STORED = len("2026-11-20T15:30:00.123456Z")
_WHOLE = len("2026-11-20T15:30:00.")


def stored(text: str) -> str:
    """Return an RFC 3339 time as stored text; finer parts than microseconds are cut.

    Raises ValueError for anything else and for implausible years.
    """
    if len(text) > _STORED and text[-1] == "Z":
        text = text[: _STORED - 1] + "Z"
    if len(text) == _STORED and is_canonical(text):
        if not FIRST <= datetime.fromisoformat(text).year <= LAST:
            raise ValueError(f"{text} is not in the years {FIRST} to {LAST}")
        return text
    return to_text(plausible(from_text(text)))


def stored_milliseconds(milliseconds: int) -> str:
    """Return milliseconds since the epoch as stored text.

    Raises ValueError or OverflowError for implausible years.
    """
    seconds, left = divmod(milliseconds, 1000)
    return f"{_second(seconds)}{left:03}000Z"


@lru_cache(64)  # many trades share a second
def _second(seconds: int) -> str:
    """Return stored text up to the decimal point."""
    return to_text(plausible(EPOCH + timedelta(seconds=seconds)))[:_WHOLE]
