"""Parses the instants that clients give: a date, an RFC 3339 date-time or epoch milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from chalicelib.domain.times import EPOCH, to_text

FIRST, BEYOND = "0002", "9999"
"""Years from FIRST up to but excluding BEYOND are accepted, which leaves room for arithmetic."""

ALLOWED = "a date (2026-11-20), an RFC 3339 date-time (2026-11-20T15:30:00Z) or epoch milliseconds"

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?([Zz]|[+\- ]\d{2}:\d{2})", re.ASCII
)
_MILLISECONDS = re.compile(r"-?\d{1,15}", re.ASCII)


def parse(text: str) -> str:
    """Return the instant as stored text. A date is its midnight in UTC; digits below 1 µs are cut.

    A blank before the offset counts as a plus sign that was not escaped. Raises ValueError for any
    other text, and for years that are not accepted.
    """
    try:
        instant = _parse(text)
    except OverflowError as error:
        raise ValueError(f"{text!r} lies too far away") from error
    if not FIRST <= instant[:4] < BEYOND:
        raise ValueError(f"{text!r} lies too far away")
    return instant


def _parse(text: str) -> str:
    if _MILLISECONDS.fullmatch(text):
        return to_text(EPOCH + timedelta(milliseconds=int(text)))
    if _DATE.fullmatch(text):
        return to_text(datetime.fromisoformat(text).replace(tzinfo=UTC))
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an instant")
    return _from_parts(*match.groups(default=""))


def _from_parts(day: str, time: str, fraction: str, offset: str) -> str:
    zone = "+00:00" if offset in "Zz" else offset.replace(" ", "+")
    return to_text(datetime.fromisoformat(f"{day}T{time}{fraction[:7]}{zone}"))
