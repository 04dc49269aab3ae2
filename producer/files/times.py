"""Parses dates and times of users' files.

A date begins with the year (`2024-01-31`, `2024/1/31`, `20240131`), or with the day or the month
(`31.01.2024`, `01/31/2024`). It may name the month (`31-Jan-2024`, `Jan 31, 2024`). An epoch number
is in seconds, milliseconds, microseconds or nanoseconds, by its number of digits. A time of day may
follow a date (`09:30`, `9:30:00 AM`, `093000`), and an offset or a zone's name after that.

A library that guesses the format of each cell would fill in missing parts and read rows
inconsistently (docs/decisions/0110).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.domain.times import EPOCH
from producer.years import plausible

Order = Literal["day", "month"]
"""What comes first in dates like 03/04/2024."""

_REST = r"(?:(?:[ T,:]+|(?<=\d)T)(?P<rest>.+))?"
_YEAR_FIRST = re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_REST}")
_COMPACT = re.compile(
    r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?:[ T:,]*(?P<rest>\d\d:?\d\d.*))?"
)
_EITHER_FIRST = re.compile(
    rf"(?P<a>\d{{1,2}})(?P<by>[-/.])(?P<b>\d{{1,2}})(?P=by)(?P<y>\d{{4}}|\d\d){_REST}"
)
_DAY_NAMED = re.compile(
    rf"(?P<d>\d{{1,2}})[ -](?P<name>[A-Za-z]{{3,9}})\.?[ ,-]+(?P<y>\d{{4}}|\d\d){_REST}"
)
_NAMED_DAY = re.compile(
    rf"(?P<name>[A-Za-z]{{3,9}})\.?[ -](?P<d>\d{{1,2}}),?[ -]+(?P<y>\d{{4}}){_REST}"
)
_CLOCK = re.compile(
    r"(?P<h>\d{1,2}):?(?P<min>\d\d)(?::?(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?(?P<zone>\S+))?"
)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<h>\d\d):?(?P<m>\d\d)?")
_EPOCH = re.compile(r"-?\d{9,19}(?:\.\d+)?|\d(?:\.\d+)?[eE]\+?\d{1,2}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HOURS_OF = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "PST": -8, "PDT": -7}
_UTC = frozenset(("Z", "UTC", "GMT", "ETC/UTC"))
_LONGEST = 100
"""The most characters of a cell; the longest name of a zone has 32."""

_ALLOWED = "2026-11-20, 11/20/2026, 20.11.2026, ISO 8601 and epoch numbers"


def instant_of(text: str, order: Order = "month") -> datetime:
    """Parse a cell to an instant.

    The instant is aware if an offset, a zone or an epoch number is given, else naive. Raises
    ValueError for text that is not a date, or a date that no price can have.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"{text[:40]!r}... is not a date; allowed: {_ALLOWED}")
    return plausible(_read(text, order))


def _read(text: str, order: Order) -> datetime:
    if text[4:5] == "-" and text[7:8] == "-":
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # not quite ISO 8601, such as 2024-01-02 9:30 or a zone's name
    found = _dated(text, order) or _from_epoch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date; allowed: {_ALLOWED}")
    return found


def order_shown(text: str) -> Order | None:
    """Return the order of day and month that a date like 31/01/2024 or 01/31/2024 shows. Return
    None for an ambiguous date like 03/04/2024 and for dates of other forms."""
    found = _either_first(text)
    if found is None:
        return None
    if int(found["a"]) > 12:
        return "day"
    return "month" if int(found["b"]) > 12 else None


def is_either(text: str) -> bool:
    """Return whether a date's form lets the day or the month come first: 03/04/2024, 01/31/2024."""
    return _either_first(text) is not None


def _either_first(text: str) -> re.Match[str] | None:
    found = _EITHER_FIRST.fullmatch(text) if len(text) <= _LONGEST else None
    return found if found is not None and found["by"] != "." else None


def has_clock(text: str) -> bool:
    """Return whether a cell holds a time of day besides the date."""
    return ":" in text or (len(text) > 8 and text.lstrip("-").replace(".", "").isdecimal())


def _dated(text: str, order: Order) -> datetime | None:
    for form in (_YEAR_FIRST, _COMPACT, _EITHER_FIRST, _DAY_NAMED, _NAMED_DAY):
        found = form.fullmatch(text)
        if found is not None:
            parts = found.groupdict()
            try:
                return _made(parts, order)
            except (ValueError, KeyError, OSError):
                if form is not _COMPACT:
                    raise ValueError(f"{text!r} is not a date; allowed: {_ALLOWED}") from None
    return None


def _made(parts: dict[str, str], order: Order) -> datetime:
    day, month = parts.get("d"), parts.get("m")
    if "name" in parts:
        month = str(_MONTHS.index(parts["name"][:3].lower()) + 1)
    elif "a" in parts:
        day_first = order == "day" or parts["by"] == "."
        day, month = (parts["a"], parts["b"]) if day_first else (parts["b"], parts["a"])
    date = datetime(_year(parts["y"]), int(month or ""), int(day or ""))  # noqa: DTZ001 - as written
    return _at_clock(date, parts["rest"].strip()) if parts.get("rest") else date


def _year(text: str) -> int:
    """Parse a year. Two digits mean 1969 to 2068, as in POSIX."""
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year >= 69 else 2000)


def _at_clock(date: datetime, text: str) -> datetime:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    hour = int(found["h"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"] in "Pp" else 0)
    fraction = int((found["f"] or "0")[:6].ljust(6, "0"))
    zone = _zone(found["zone"]) if found["zone"] else None
    return date.replace(
        hour=hour,
        minute=int(found["min"]),
        second=int(found["s"] or 0),
        microsecond=fraction,
        tzinfo=zone,
    )


def _zone(text: str) -> tzinfo:
    """Return the time zone with this name. Zones are files, so an unknown name raises ValueError,
    KeyError or OSError."""
    if text.upper() in _UTC:
        return UTC
    offset = _OFFSET.fullmatch(text)
    if offset is not None:
        span = timedelta(hours=int(offset["h"]), minutes=int(offset["m"] or 0))
        return timezone(-span if offset["sign"] == "-" else span)
    if text.upper() in _HOURS_OF:
        return timezone(timedelta(hours=_HOURS_OF[text.upper()]))
    return ZoneInfo(text)


def _from_epoch(text: str) -> datetime | None:
    if not _EPOCH.fullmatch(text):
        return None
    value = Decimal(text)
    if abs(value) >= 10**19:
        return None
    digits = len(str(abs(int(value))))
    per_second = 1 if digits <= 10 else 10**3 if digits <= 13 else 10**6 if digits <= 16 else 10**9
    return EPOCH + timedelta(microseconds=int(value * 10**6 / per_second))
