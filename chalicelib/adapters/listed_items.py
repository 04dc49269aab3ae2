"""Lists that are one item of the rules table each, replaced as a whole under its version."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from chalicelib.adapters.dynamodb import Item, batch_get, item_of, text, version_of
from chalicelib.adapters.table_access import TableAccess

log = logging.getLogger("ticktape.lists")

Entry = TypeVar("Entry")

_raw_decoder = msgspec.json.Decoder(tuple[msgspec.Raw, ...])


class Entries(NamedTuple, Generic[Entry]):
    """The entries of a list, and its version, 0 if it is not stored.

    `unreadable` are entries that this version cannot read, as stored. They are ignored, but kept
    when the list is written.
    """

    version: int
    readable: tuple[Entry, ...]
    unreadable: tuple[bytes, ...]


class ListedItem(TableAccess, Generic[Entry]):
    """The item under `#name`, a key that no rule can have and the index of rules does not list.

    Its attribute `name` has the entries as JSON. `check` raises ValueError for an entry of the
    right types with unusable values, which counts as unreadable.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        name: str,
        entry: type[Entry],
        check: Callable[[Entry], None],
    ) -> None:
        super().__init__(client, table)
        self._check = check
        self._name = name
        self._decoder = msgspec.json.Decoder(entry)
        self.place: Item = {"symbol": text(f"#{name}"), "rule_id": text(f"#{name}")}

    def read(self) -> Entries[Entry]:
        """Read the entries: one consistent GetItem."""
        return self.decode(self._read(self.place))

    def write(
        self, version: int, entries: Iterable[Entry], unreadable: Iterable[bytes] = ()
    ) -> bool:
        """Replace the entries if the stored version is still `version`; return whether it was. One
        TransactWriteItems; if the stored version cannot be read, a GetItem and another one."""
        kept = [*entries, *map(msgspec.Raw, unreadable)]
        encoded = {self._name: msgspec.json.encode(kept).decode()}
        item = self.place | item_of(**encoded)
        return self._put_version(item, version)

    def decode(self, item: Item) -> Entries[Entry]:
        """Return the entries of an item, which is empty if there is none.

        Contents that are not a list count as one unreadable entry.
        """
        readable: list[Entry] = []
        unreadable: list[bytes] = []
        for raw in self._raw_entries(item) if item else ():
            try:
                entry = self._decoder.decode(raw)
                self._check(entry)
            except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
                log.warning("one of the stored %s cannot be read: %s", self._name, error)
                unreadable.append(bytes(raw))
            else:
                readable.append(entry)
        return Entries(version_of(item), tuple(readable), tuple(unreadable))

    def _raw_entries(self, item: Item) -> Iterable[msgspec.Raw | bytes]:
        found = item.get(self._name, {})
        try:
            return _raw_decoder.decode(found["S"])
        except (KeyError, TypeError, ValueError, RecursionError):
            return [msgspec.json.encode(str(found.get("S", found)))]


def read_together(client: Any, table: str, *lists: ListedItem[Any]) -> list[Item]:
    """Return the items of several lists by one consistent BatchGetItem; empty ones without an
    item."""
    found = {
        item["symbol"]["S"]: item for item in batch_get(client, table, [one.place for one in lists])
    }
    return [found.get(one.place["symbol"]["S"], {}) for one in lists]
