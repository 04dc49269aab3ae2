"""How a command ends and what it reports: exit statuses, the user's mistakes, and counts."""

from __future__ import annotations

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class UsageError(Exception):
    """A mistake of the user. The text is one line, and the exit status is 2."""


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 record`, `1,305 records`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
