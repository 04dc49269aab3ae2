"""The symbols table: one partition for each of the lists "seen", "tracked" and "forgotten"."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, counted, item_of, key_range
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.sources import Sources
from chalicelib.domain.splits import Split
from chalicelib.domain.times import EPOCH, is_instant, to_text
from chalicelib.services.symbol_stores import SymbolEntry

log = logging.getLogger("ticktape.symbols")

_INSTANTS = ("added_at", "forgotten_at", "packed_at", "problem_at")
_LONG_AGO = to_text(EPOCH)
_LISTS = ("seen", "tracked")
_IS_NEW = "attribute_not_exists(symbol)"
_IS_THERE = "attribute_exists(symbol)"
"""The condition for adding notes to a symbol. Without it, a note on a symbol that was just
forgotten would create a partial item."""


class Symbols(TableAccess):
    """Implements SymbolStore on DynamoDB."""

    def listed(self, name: str) -> list[SymbolEntry]:
        """See SymbolStore.listed."""
        return [entry for item in self._partition("list", name) if (entry := _to_entry(item))]

    def page(self, name: str, after: str, limit: int) -> list[SymbolEntry]:
        """See SymbolStore.page."""
        request = key_range("list", name, "symbol", None, None)
        if after:
            request["ExclusiveStartKey"] = _key(name, after)
        found: list[SymbolEntry] = []
        for items, _ in self._query(Limit=limit, **request):
            found += filter(None, map(_to_entry, items))
            if len(found) >= limit:
                break
        return found[:limit]

    def count(self, name: str) -> int:
        """See SymbolStore.count. One Query for each MB of the list."""
        request = key_range("list", name, "symbol", None, None) | {"Select": "COUNT"}
        return counted(self._client, TableName=self._table, **request)

    def find(self, symbol: str) -> SymbolEntry | None:
        """See SymbolStore.find. One BatchGetItem for both lists."""
        items = self._read_all([_key(name, symbol) for name in _LISTS])
        found = {item["list"]["S"]: _to_entry(item) for item in items}
        return found.get("seen") or found.get("tracked")

    def find_many(self, name: str, symbols: Iterable[str]) -> dict[str, SymbolEntry]:
        """See SymbolStore.find_many."""
        keys = [_key(name, symbol) for symbol in symbols]
        items = self._read_all(keys)
        return {entry.symbol: entry for item in items if (entry := _to_entry(item))}

    def put(self, name: str, entry: SymbolEntry) -> SymbolEntry:
        """See SymbolStore.put."""
        created = self._write_if(
            Item=item_of(list=name, **msgspec.structs.asdict(entry)),
            ConditionExpression=_IS_NEW,
        )
        return entry if created else self.find_many(name, [entry.symbol]).get(entry.symbol, entry)

    def note_split(self, symbol: str, split: Split) -> None:
        """See SymbolStore.note_split."""
        self._write_if(
            ConditionExpression=_IS_THERE,
            Key=_key("seen", symbol),
            UpdateExpression="SET split_date = :date, split_ratio = :ratio",
            ExpressionAttributeValues={
                ":date": {"S": split.date},
                ":ratio": {"S": f"{split.numerator}:{split.denominator}"},
            },
        )

    def note_problem(self, symbol: str, problem: str, at: str) -> None:
        """See SymbolStore.note_problem."""
        self._write_if(
            ConditionExpression=_IS_THERE,
            Key=_key("seen", symbol),
            UpdateExpression="SET problem = :problem, problem_at = :at",
            ExpressionAttributeValues={":problem": {"S": problem}, ":at": {"S": at}},
        )

    def pin(self, entry: SymbolEntry) -> SymbolEntry:
        """See SymbolStore.pin. Keeps existing fields and adds missing ones. One call, or two if the
        entry is marked as packed and the symbol is stored."""
        if entry.packed_at is not None:
            new = msgspec.structs.replace(entry, packed_at=None)
            if self._write_if(ConditionExpression=_IS_NEW, **self._filling(new)):
                return new
        answer = self._client.update_item(
            TableName=self._table, **self._filling(entry), ReturnValues="ALL_NEW"
        )
        return _to_entry(answer["Attributes"]) or entry

    def _filling(self, entry: SymbolEntry) -> dict[str, Any]:
        given = item_of(**msgspec.structs.asdict(entry))
        del given["symbol"]
        return {
            "Key": _key("seen", entry.symbol),
            "UpdateExpression": "SET "
            + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in given),
            "ExpressionAttributeNames": {f"#{name}": name for name in given},
            "ExpressionAttributeValues": {f":{name}": value for name, value in given.items()},
        }

    def set_sources(self, name: str, entry: SymbolEntry, sources: Sources) -> bool:
        """See SymbolStore.set_sources."""
        old = {"source": entry.source, "switches": entry.switches}
        new = dict(zip(old, sources.parts(), strict=True))
        kept = {f":new_{key}": value for key, value in new.items() if value is not None}
        held = {f":old_{key}": value for key, value in old.items() if value is not None}
        checks = (
            f"attribute_not_exists(#{key})" if value is None else f"#{key} = :old_{key}"
            for key, value in old.items()
        )
        sets = ", ".join(f"#{key} = :new_{key}" for key in new if new[key] is not None)
        drops = ", ".join(f"#{key}" for key in new if new[key] is None)
        return self._write_if(
            ConditionExpression=" AND ".join((_IS_THERE, *checks)),
            Key=_key(name, entry.symbol),
            UpdateExpression=f"SET {sets}" + (f" REMOVE {drops}" if drops else ""),
            ExpressionAttributeNames={f"#{key}": key for key in old},
            ExpressionAttributeValues={key: {"S": text} for key, text in (kept | held).items()},
        )

    def note_standby(self, symbol: str, standby: str | None) -> None:
        """See SymbolStore.note_standby."""
        given = {} if standby is None else {":standby": {"S": standby}}
        self._write_if(
            ConditionExpression=_IS_THERE,
            Key=_key("tracked", symbol),
            UpdateExpression="SET standby = :standby" if given else "REMOVE standby",
            **({"ExpressionAttributeValues": given} if given else {}),
        )

    def note_forgotten(self, symbol: str, at: str) -> None:
        """See SymbolStore.note_forgotten."""
        self._client.update_item(
            TableName=self._table,
            Key=_key("forgotten", symbol),
            UpdateExpression="SET added_at = :at",
            ExpressionAttributeValues={":at": {"S": at}},
        )

    def remove(self, name: str, symbol: str) -> None:
        """See SymbolStore.remove."""
        self._client.delete_item(TableName=self._table, Key=_key(name, symbol))


def _key(name: str, symbol: str) -> Item:
    return {"list": {"S": name}, "symbol": {"S": symbol}}


def _to_entry(item: Item) -> SymbolEntry | None:
    """Return an item's entry. If the item has no readable symbol, log that and return None.
    Instants that cannot be read are left out; an unreadable `added_at` becomes 1970."""
    fields = {name: value["S"] for name, value in item.items() if name != "list" and "S" in value}
    for name in _INSTANTS:
        if name in fields and not is_instant(fields[name]):
            del fields[name]
    try:
        return msgspec.convert({"added_at": _LONG_AGO, **fields}, SymbolEntry)
    except msgspec.ValidationError as error:
        log.warning("the symbol %.100s cannot be read: %s", item.get("symbol"), error)
        return None
