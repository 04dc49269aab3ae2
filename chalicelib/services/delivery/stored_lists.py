"""Change lists that are stored as a whole, and handle entries that cannot be read."""

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
    """The entries of a list. `version` counts the writes; it is 0 before the first one.

    `unreadable` has the entries that this version of Ticktape cannot read, as stored. They do not
    affect the other entries, and writing keeps them.
    """

    version: int
    entries: tuple[Entry, ...]
    unreadable: tuple[bytes, ...] = ()

    def unreadable_ids(self, most: int) -> list[str]:
        """Return the ids of the entries that cannot be read, each id once, at most `most` ids."""
        return list(dict.fromkeys(map(unreadable_id, self.unreadable)))[:most]

    def without(self, entry_id: str) -> StoredList[Entry]:
        """Return the list without the unreadable entry that has this id."""
        kept = tuple(raw for raw in self.unreadable if unreadable_id(raw) != entry_id)
        return self._replace(unreadable=kept)


class Listed(NamedTuple, Generic[Entry]):
    """The entries in force, and the ids of stored entries that cannot be read and are ignored."""

    entries: list[Entry]
    unreadable: list[str]


class ListStore(Protocol[Entry]):
    """Stores a list as a whole."""

    def table(self) -> StoredList[Entry]:
        """Return the whole list, with a consistent read."""

    def write(self, table: StoredList[Entry], entries: tuple[Entry, ...], /) -> bool:
        """Replace the entries of the list read as `table`. Return False if it has changed."""


def unreadable_id(raw: bytes) -> str:
    """Return the id under which an entry that cannot be read is listed and removed."""
    return hashlib.sha256(raw).hexdigest()[:24]


def rewrite(
    store: ListStore[Entry],
    change: Callable[[StoredList[Entry]], list[Entry]],
    named: str,
    forget: str = "",
) -> None:
    """Replace a list's entries by those that `change` returns. Start again if another write was
    faster. `forget` is the id of an unreadable entry to drop. Raises Contended and `change`'s
    errors."""
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
    """Remove an entry that cannot be read. Return whether an entry had this id. `kept` returns the
    readable entries to keep. Raises Contended."""
    if entry_id not in map(unreadable_id, store.table().unreadable):
        return False
    rewrite(store, kept, named, forget=entry_id)
    return True
