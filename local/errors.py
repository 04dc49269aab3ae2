"""What ends `python -m local` before or while it runs."""

from __future__ import annotations


class UsageError(Exception):
    """What the user got wrong, in one line; exit status 2."""


class StartError(Exception):
    """Something of ours did not start, in one line; exit status 1."""
