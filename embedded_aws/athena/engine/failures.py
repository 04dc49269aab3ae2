"""How a statement fails: Athena's state and reason."""

from __future__ import annotations


class QueryError(Exception):
    """State FAILED. The message begins with Trino's name of the error: `SYNTAX_ERROR: ...`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


class ScanLimitError(Exception):
    """State CANCELLED: more bytes than the workgroup allows a query."""

    def __init__(self) -> None:
        super().__init__("Bytes scanned limit was exceeded")


class StoppedError(Exception):
    """State CANCELLED: the query was stopped before DuckDB began with it."""


def unsupported(what: str) -> QueryError:
    """For what Athena knows and this stand-in does not."""
    return QueryError("NOT_SUPPORTED", f"{what} is not supported by this stand-in for Athena")
