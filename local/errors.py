"""Errors that end `python -m local`."""

from __future__ import annotations


class UsageError(Exception):
    """The user's error in one line; exit status 2."""


class StartError(Exception):
    """A part that did not start, in one line; exit status 1."""
