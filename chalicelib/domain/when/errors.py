"""The error of an invalid condition `when`."""

from __future__ import annotations

from chalicelib.domain.errors import RuleError


class WhenError(RuleError):
    """An invalid `when`. `column` counts the characters of the text form from 1. In a JSON tree it
    is None, and `path` leads to the node: `when.of[0].left`."""

    def __init__(
        self, value: object, allowed: str, *, column: int | None = None, path: str = "when"
    ) -> None:
        super().__init__(path, value, allowed)
        self.column = column
        if column is not None:
            self.args = (
                f"{path}, column {column}: {self.shown} is not allowed; allowed: {allowed}",
            )
