"""Check texts that are inserted into a statement of the lake: dates, and names that cannot end a
literal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

_NAME = re.compile(r"[A-Za-z0-9:.=/_+-]*")


def is_day(text: str) -> bool:
    """Return whether a text is a date in its stored form, such as 2026-11-20."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def day_text(text: str) -> str:
    """Return the text if it is a date in its stored form. Otherwise raises ValueError."""
    if not is_day(text):
        raise ValueError(f"{text!r} is not a date such as 2026-11-20")
    return text


def name_text(text: str) -> str:
    """Return the text if it cannot end a SQL literal. Otherwise raises ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} cannot be part of a statement")
    return text


def days_list(days: Iterable[str]) -> str:
    """Return dates as a SQL list."""
    return ", ".join(f"'{day_text(day)}'" for day in days)


def names_list(names: Iterable[str]) -> str:
    """Return names as a SQL list."""
    return ", ".join(f"'{name_text(name)}'" for name in names)
