"""A whole range in one piece: page after page, up to MOST_WHOLE_ROWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from chalicelib.domain.errors import TicktapeError
from chalicelib.services.queries import MOST_WHOLE_ROWS


class TooManyRows(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """The range has more rows than one answer may hold. `args` is that number."""


class Table(Protocol):
    """A page of rows, and the cursor that leads to the next one."""

    @property
    def rows(self) -> Any:
        """A list of rows."""

    @property
    def cursor(self) -> Any:
        """None on the last page."""


AnyTable = TypeVar("AnyTable", bound=Table)
AnyCursor = TypeVar("AnyCursor")


def read_whole(read: Callable[[AnyCursor | None], AnyTable], start: AnyCursor | None) -> AnyTable:
    """Read pages from `start` to the end of the range; the last page, holding the rows of all.

    Raises TooManyRows.
    """
    table = read(start)
    rows = list(table.rows)
    while table.cursor is not None:
        if len(rows) >= MOST_WHOLE_ROWS:
            raise TooManyRows(MOST_WHOLE_ROWS)
        table = read(table.cursor)
        rows += table.rows
    return msgspec.structs.replace(table, rows=rows)  # type: ignore[type-var]
