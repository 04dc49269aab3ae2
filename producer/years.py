"""The years in which prices can have been made."""

from __future__ import annotations

from datetime import datetime

FIRST, LAST = 1700, 2261
"""Those of pandas; exchanges have traded within them."""


def plausible(instant: datetime) -> datetime:
    """The same instant. Raises ValueError where its year is so early or late that a zone, a session
    or a bar's length could lead out of the calendar."""
    if not FIRST <= instant.year <= LAST:
        raise ValueError(f"{instant} is not in the years {FIRST} to {LAST}")
    return instant
