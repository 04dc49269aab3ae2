"""Lists, each stored as one item of the rules table and replaced as a whole under its version."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from chalicelib.adapters.dynamodb import Item, item_of, text, version_of
from chalicelib.adapters.table_access import TableAccess
from chalicelib.services.delivery.stored_lists import StoredList

log = logging.getLogger("ticktape.lists")

Entry = TypeVar("Entry")

_raw_decoder = msgspec.json.Decoder(tuple[msgspec.Raw, ...])


class ListedItem(TableAccess, Generic[Entry]):
    """Implements ListStore on one item of the rules table, under the key `#name`. No rule can have
    that key, and the index of rules does not list the item.

    The item's attribute `name` holds the entries as JSON. `check` raises ValueError for an entry
    whose types are right but whose values are unusable. Such an entry counts as unreadable.
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

    def table(self) -> StoredList[Entry]:
        """See ListStore.table. One GetItem."""
        return self.decode(self._read(self.place))

    def write(self, table: StoredList[Entry], entries: Iterable[Entry], /) -> bool:
        """See ListStore.write. One TransactWriteItems. If the item's version cannot be read, a
        GetItem and a second TransactWriteItems follow."""
        kept = [*entries, *map(msgspec.Raw, table.unreadable)]
        encoded = {self._name: msgspec.json.encode(kept).decode()}
        return self._put_version(self.place | item_of(**encoded), table.version)

    def decode(self, item: Item) -> StoredList[Entry]:
        """Return the entries of an item. An empty item stands for an item that does not exist.

        Contents that are not a list count as one unreadable entry.
        """
        readable: list[Entry] = []
        unreadable: list[bytes] = []
        for raw in self._raw_entries(item) if item else ():
            try:
                entry = self._decoder.decode(raw)
                self._check(entry)
            except (ValueError, RecursionError) as error:  # includes msgspec's errors
                log.warning("one of the stored %s cannot be read: %s", self._name, error)
                unreadable.append(bytes(raw))
            else:
                readable.append(entry)
        return StoredList(version_of(item), tuple(readable), tuple(unreadable))

    def _raw_entries(self, item: Item) -> Iterable[msgspec.Raw | bytes]:
        found = item.get(self._name, {})
        try:
            return _raw_decoder.decode(found["S"])
        except (KeyError, TypeError, ValueError, RecursionError):
            return [msgspec.json.encode(str(found.get("S", found)))]
