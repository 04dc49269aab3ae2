"""Read a whole range page by page into one answer, up to MOST_WHOLE_ROWS rows."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol, TypeVar

import msgspec

from chalicelib.domain.errors import TooLarge
from chalicelib.services.market_data.queries import MOST_WHOLE_ROWS


class Table(Protocol):
    """A page of rows, with the cursor of the next page."""

    @property
    def rows(self) -> Any:
        """Return the rows of the page."""

    @property
    def cursor(self) -> Any:
        """Return the cursor of the next page; None on the last page."""


AnyTable = TypeVar("AnyTable", bound=Table)
AnyCursor = TypeVar("AnyCursor")


class RowCount:
    """Counts the rows of one answer while they are read. Several threads may share it."""

    def __init__(self) -> None:
        self._rows = 0
        self._is_over = False
        self._lock = Lock()

    def add(self, table: Table) -> None:
        """Count the rows of a page. Raises TooLarge above MOST_WHOLE_ROWS. If pages follow, it is
        raised at this number already."""
        following = 0 if table.cursor is None else 1
        with self._lock:
            self._rows += len(table.rows)
            self._is_over |= self._rows + following > MOST_WHOLE_ROWS
        self.check()

    def check(self) -> None:
        """Raise TooLarge if `add` has counted too many rows."""
        if self._is_over:
            raise TooLarge(
                f"the range has more than {MOST_WHOLE_ROWS} rows: narrow it with start and end, or"
                " ask for pages with limit and follow Link or next_page_token"
            )


def read_whole(
    read: Callable[[AnyCursor | None], AnyTable],
    start: AnyCursor | None,
    count: RowCount | None = None,
) -> AnyTable:
    """Read pages from `start` to the end of the range. Return the last page with the rows of all
    pages.

    `count` may already contain rows of other reads for the same answer. Raises TooLarge.
    """
    count = count or RowCount()
    count.check()
    table = read(start)
    count.add(table)
    rows = list(table.rows)
    while table.cursor is not None:
        table = read(table.cursor)
        count.add(table)
        rows += table.rows
    return msgspec.structs.replace(table, rows=rows)  # type: ignore[type-var]
