"""Errors that end `python -m local`."""

from __future__ import annotations


class UsageError(Exception):
    """A mistake of the user, described in one line; exit status 2."""


class StartError(Exception):
    """A part did not start; described in one line, exit status 1."""
