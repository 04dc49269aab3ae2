"""Change a list that is stored as a whole, under a version."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from chalicelib.domain.errors import Contended

TRIES = 8
_PAUSE_SECONDS = 0.01

Table = TypeVar("Table")
Entry = TypeVar("Entry")
Written = TypeVar("Written", contravariant=True)


class TableStore(Protocol[Table, Written]):
    """Stores such a list. A Table has its version, which counts the writes, and its entries."""

    def table(self) -> Table:
        """Return the whole list, read consistently."""

    def write(self, table: Table, entries: tuple[Written, ...], /) -> bool:
        """Replace the entries of `table` and return True; write nothing and return False if another
        write came after `table` was read."""


def rewrite(
    store: TableStore[Table, Entry], change: Callable[[Table], list[Entry]], named: str
) -> None:
    """Replace the entries of a list by what `change` returns for it; try again if another write was
    faster. Raises what `change` raises, and Contended, whose message calls the entries `named`."""
    for attempt in range(TRIES):
        table = store.table()
        if store.write(table, tuple(change(table))):
            return
        time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - jitter
    raise Contended(f"the {named} are being changed by others: send the request again")
