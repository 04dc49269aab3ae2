"""The years in which a price can lie."""

from __future__ import annotations

from datetime import datetime

FIRST, LAST = 1700, 2261
"""The years that pandas supports; they include all exchange trading."""


def plausible(instant: datetime) -> datetime:
    """Return the instant.

    Raises ValueError if its year is so early or late that converting to a zone, a session or a
    bar's length could leave the calendar.
    """
    if not FIRST <= instant.year <= LAST:
        raise ValueError(f"{instant} is not in the years {FIRST} to {LAST}")
    return instant
