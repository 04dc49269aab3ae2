"""The end of the time for reading bars."""

from __future__ import annotations


class TimeIsUp(Exception):  # noqa: N818  # not an error: what was read so far counts
    """The time for reading was over."""


def never() -> bool:
    """Return that the time is not over: there is no limit."""
    return False
