"""Interprets the headers of partial and conditional downloads as S3 does.

S3 ignores an invalid range or date (RFC 9110, 13.1.3 and 14.2). moto raises an error instead.
"""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

_DATES = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")
_RANGE = "HTTP_RANGE"
_BYTES = re.compile("bytes=[0-9]{0,18}-[0-9]{0,18}")


def leave_out_unreadable(environ: dict[str, Any]) -> None:
    """Remove the range and dates that S3 ignores from a WSGI request, in place. Convert other dates
    to the only format that moto parses."""
    if not _BYTES.fullmatch(environ.get(_RANGE, "bytes=0-")):
        del environ[_RANGE]
    for name in _DATES:
        if name in environ:
            date = _http_date(environ.pop(name))
            if date is not None:
                environ[name] = date


def _http_date(text: str) -> str | None:
    """Convert any of the three forms of an HTTP date to the form that RFC 9110 prefers. Return None
    if the date is invalid."""
    try:
        found = parsedate_to_datetime(text)
        utc = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
        return format_datetime(utc, usegmt=True)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
