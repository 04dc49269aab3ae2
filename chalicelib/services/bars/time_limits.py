"""The time limit for reading bars."""

from __future__ import annotations


class TimeIsUp(Exception):  # noqa: N818  # not an error: what was read so far counts
    """The time for reading bars is over."""


def never() -> bool:
    """Return False: without a limit, the time is never up."""
    return False
