"""Entries of a stored list that this version of Ticktape cannot read: their ids, and removing
them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from chalicelib.services.delivery.rewriting import TableStore, rewrite

Table = TypeVar("Table", bound=msgspec.Struct)
Entry = TypeVar("Entry")


def unreadable_id(raw: bytes) -> str:
    """Return the id under which an entry that cannot be read is listed and removed."""
    return hashlib.sha256(raw).hexdigest()[:24]


def unreadable_ids(raws: Iterable[bytes], most: int) -> list[str]:
    """Return the ids of entries that cannot be read, each once, at most `most` of them."""
    return list(dict.fromkeys(map(unreadable_id, raws)))[:most]


def remove_unreadable(
    store: TableStore[Table, Entry],
    entry_id: str,
    kept: Callable[[Table], list[Entry]],
    named: str,
) -> bool:
    """Remove an entry that cannot be read; return whether there was one with this id. `kept`
    returns the readable entries of the list to keep. Raises Contended."""
    if entry_id not in map(unreadable_id, _raws(store.table())):
        return False
    rewrite(_Without(store, entry_id), kept, named)
    return True


class _Without(Generic[Table, Entry]):
    """A TableStore that leaves out one entry that cannot be read."""

    def __init__(self, store: TableStore[Table, Entry], entry_id: str) -> None:
        self._store = store
        self._entry_id = entry_id

    def table(self) -> Table:
        """See TableStore."""
        table = self._store.table()
        kept = tuple(raw for raw in _raws(table) if unreadable_id(raw) != self._entry_id)
        return msgspec.structs.replace(table, unreadable=kept)

    def write(self, table: Table, entries: tuple[Entry, ...], /) -> bool:
        """See TableStore."""
        return self._store.write(table, entries)


def _raws(table: msgspec.Struct) -> tuple[bytes, ...]:
    raws: tuple[bytes, ...] = getattr(table, "unreadable")  # noqa: B009 - of both lists' tables
    return raws
