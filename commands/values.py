"""Reads the values of options that several commands take."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.api import instants
from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import parse_symbol
from commands.outcomes import UsageError


def symbols(given: Iterable[str]) -> list[str]:
    """Return the symbols in their stored form. Raises UsageError if a symbol is invalid."""
    try:
        return [parse_symbol(text) for text in given]
    except TickError as error:
        raise UsageError(str(error)) from error


def instant(option: str, given: str | None) -> str | None:
    """Return an option's instant as UTC text with microseconds; None if the option is missing.
    Raises UsageError that names the option."""
    try:
        return None if given is None else instants.parse(given)
    except ValueError as error:
        raise UsageError(f"{option}: {error}; allowed: {instants.ALLOWED}") from error
