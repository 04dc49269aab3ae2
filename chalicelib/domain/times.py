"""Instants as text: always UTC, with six digits and `Z`, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = timedelta(microseconds=1)


def to_text(instant: datetime) -> str:
    """Return an aware datetime as text, `2026-11-20T15:30:00.123456Z`. Raises ValueError if it is
    naive."""
    if instant.utcoffset() is None:
        raise ValueError(f"{instant!r} has no time zone")
    utc = instant.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:26] + "Z"


def from_text(text: str) -> datetime:
    """Parse an RFC 3339 date-time to an aware UTC datetime.

    Raises ValueError for any other text, without an offset, and outside the years 1 to 9999.
    """
    if len(text) < 20 or text[10] not in "Tt ":
        raise ValueError(f"{text!r} is not an RFC 3339 date-time")
    instant = datetime.fromisoformat(text.upper())
    if instant.utcoffset() is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from None


def is_canonical(text: str) -> bool:
    """Return whether an RFC 3339 date-time already has the stored form."""
    marks = text[4:5] + text[7:8] + text[10:11] + text[19:20] + text[26:]
    return marks == "--T.Z"  # a week date (2026-W47-5) has other marks


def is_instant(text: object) -> bool:
    """Return whether a value is a timestamp in the stored form."""
    if not isinstance(text, str) or not is_canonical(text):
        return False
    try:
        from_text(text)
    except ValueError:
        return False
    return True


def from_epoch_seconds(seconds: float) -> datetime:
    """Return the instant of a number of epoch seconds, exact to the microsecond."""
    return EPOCH + timedelta(microseconds=round(seconds * 1_000_000))


def epoch_seconds(text: str) -> int:
    """Return the epoch seconds of a stored timestamp, rounded down to whole seconds."""
    return (from_text(text) - EPOCH) // timedelta(seconds=1)


def minute_of(text: str) -> str:
    """Return the start of the minute that contains a stored timestamp."""
    return text[:17] + "00.000000Z"


def later(text: str, **delta: float) -> str:
    """Return a stored timestamp moved by `timedelta(**delta)`."""
    return to_text(from_text(text) + timedelta(**delta))


def just_after(text: str) -> str:
    """Return a stored timestamp plus a microsecond, the next one that can be stored."""
    return to_text(from_text(text) + _ONE)
