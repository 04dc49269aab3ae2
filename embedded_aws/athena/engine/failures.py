"""Errors that end a statement, with the state and the reason that Athena reports."""

from __future__ import annotations


class QueryError(Exception):
    """The query failed (state FAILED). The message begins with Trino's error name."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


class ScanLimitError(Exception):
    """The query scanned more bytes than its workgroup allows (state CANCELLED)."""

    def __init__(self) -> None:
        super().__init__("Bytes scanned limit was exceeded")


class StoppedError(Exception):
    """The query was stopped before DuckDB began to run it (state CANCELLED)."""


def unsupported(what: str) -> QueryError:
    """Return the error for an Athena feature that this emulation lacks."""
    return QueryError("NOT_SUPPORTED", f"{what} is not supported by this emulation of Athena")
