"""Lists that are stored as a whole: how they change, and entries that this version of Ticktape
cannot read."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from chalicelib.domain.errors import Contended

TRIES = 8
_PAUSE_SECONDS = 0.01

Entry = TypeVar("Entry")


class StoredList(NamedTuple, Generic[Entry]):
    """The entries of a list; `version` counts the writes, 0 before the first one.

    `unreadable` has, as stored, the entries that this version of Ticktape cannot read. The others
    work without them, and writing keeps them.
    """

    version: int
    entries: tuple[Entry, ...]
    unreadable: tuple[bytes, ...] = ()

    def unreadable_ids(self, most: int) -> list[str]:
        """Return the ids of entries that cannot be read, each once, at most `most` of them."""
        return list(dict.fromkeys(map(unreadable_id, self.unreadable)))[:most]

    def without(self, entry_id: str) -> StoredList[Entry]:
        """Return the list without an entry that cannot be read."""
        kept = tuple(raw for raw in self.unreadable if unreadable_id(raw) != entry_id)
        return self._replace(unreadable=kept)


class Listed(NamedTuple, Generic[Entry]):
    """The entries in force, and the ids of stored ones that cannot be read and have no effect."""

    entries: list[Entry]
    unreadable: list[str]


class ListStore(Protocol[Entry]):
    """Stores such a list."""

    def table(self) -> StoredList[Entry]:
        """Return the whole list, read consistently."""

    def write(self, table: StoredList[Entry], entries: tuple[Entry, ...], /) -> bool:
        """Replace the entries of `table`, as read; return False if another write came between."""


def unreadable_id(raw: bytes) -> str:
    """Return the id under which an entry that cannot be read is listed and removed."""
    return hashlib.sha256(raw).hexdigest()[:24]


def rewrite(
    store: ListStore[Entry],
    change: Callable[[StoredList[Entry]], list[Entry]],
    named: str,
    forget: str = "",
) -> None:
    """Read a list, change and write it; start again if another write was faster. `forget` is the id
    of an entry that cannot be read and is left out. Raises what `change` raises, and Contended."""
    for attempt in range(TRIES):
        table = store.table().without(forget)
        if store.write(table, tuple(change(table))):
            return
        time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - jitter
    raise Contended(f"the {named} are being changed by others: send the request again")


def remove_unreadable(
    store: ListStore[Entry],
    entry_id: str,
    kept: Callable[[StoredList[Entry]], list[Entry]],
    named: str,
) -> bool:
    """Remove an entry that cannot be read; return whether there was one with this id. `kept`
    returns the other entries of the list. Raises Contended."""
    if entry_id not in map(unreadable_id, store.table().unreadable):
        return False
    rewrite(store, kept, named, forget=entry_id)
    return True
