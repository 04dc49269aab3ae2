"""Failures of a statement: Athena's state and reason."""

from __future__ import annotations


class QueryError(Exception):
    """State FAILED. The message begins with Trino's error name: `SYNTAX_ERROR: ...`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


class ScanLimitError(Exception):
    """State CANCELLED: the query scanned more bytes than the workgroup allows."""

    def __init__(self) -> None:
        super().__init__("Bytes scanned limit was exceeded")


class StoppedError(Exception):
    """State CANCELLED: the query was stopped before DuckDB began it."""


def unsupported(what: str) -> QueryError:
    """Return the error for an Athena feature that this emulation lacks."""
    return QueryError("NOT_SUPPORTED", f"{what} is not supported by this emulation of Athena")
