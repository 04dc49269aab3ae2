"""The range of years in which a price can lie."""

from __future__ import annotations

from datetime import datetime

FIRST, LAST = 1700, 2261
"""The years that pandas supports; they include all exchange trading."""


def plausible(instant: datetime) -> datetime:
    """Return the instant if its year is plausible.

    Raises ValueError for a year so early or late that converting the instant could leave the
    calendar. Such conversions are to a zone, a session or a bar's length.
    """
    if not FIRST <= instant.year <= LAST:
        raise ValueError(f"{instant} is not in the years {FIRST} to {LAST}")
    return instant
