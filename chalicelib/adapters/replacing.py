"""Puts items under a condition, 100 at a time, when most of them may be stored already.

Stored items are read first, so that 100 repeated items cost one read. New items are inserted 25 to
a request. Items that replace others are put in transactions of up to 100. DynamoDB still checks the
condition of each put, and the items of a cancelled transaction are put one by one
(docs/decisions/0292).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import BATCH_GET, PARALLEL_WRITES, Item, is_over
from chalicelib.adapters.inserts import insert_all
from chalicelib.adapters.table_access import TableAccess
from chalicelib.services.parallel import in_parallel

CHUNK = BATCH_GET
"""The most items of one read, and of one transaction."""


class Condition(msgspec.Struct, frozen=True):
    """The condition of a put, as DynamoDB's expression and as a function of items already read.

    `is_due` takes the stored item and the new item, and returns whether to put the new item. It
    returns False if both are the same.
    """

    expression: str
    values: Callable[[Item], Item]
    is_due: Callable[[Item, Item], bool]


class Replacing(TableAccess):
    """Puts items into one table under a condition. `key` names the key's attributes."""

    def __init__(self, client: Any, table: str, key: Sequence[str], condition: Condition) -> None:
        super().__init__(client, table)
        self._key = key
        self._condition = condition

    def __call__(self, items: Sequence[Item], deadline: float) -> set[int]:
        """Put each item for which the condition holds; the items' keys must differ.

        Returns the indexes of items that were left undecided at the deadline (time.monotonic). An
        item for which the condition does not hold is decided. Some items are put even after the
        deadline, so repeated calls come to an end.
        """
        if len(items) == 1:
            self._put(items[0])
            return set()
        moved: list[range] = []
        chunks = [range(at, min(at + CHUNK, len(items))) for at in range(0, len(items), CHUNK)]

        def judge(chunk: range) -> set[int]:
            if moved and is_over(deadline):
                return set(chunk)
            given = [items[index] for index in chunk]
            new, old = self._due(given)
            if new or old:
                moved.append(chunk)
            return {chunk[at] for at in self._put_all(given, new, old, deadline)}

        return set().union(*in_parallel(judge, chunks, PARALLEL_WRITES))

    def _due(self, items: Sequence[Item]) -> tuple[list[int], list[int]]:
        """Return the indexes of items whose key is free, and the indexes of items that replace a
        stored item."""
        stored = self._stored(items)
        before = [stored.get(self._key_of(item)) for item in items]
        new = [at for at, known in enumerate(before) if known is None]
        is_due = self._condition.is_due
        return new, [
            at for at, known in enumerate(before) if known is not None and is_due(known, items[at])
        ]

    def _put_all(
        self, items: Sequence[Item], new: Sequence[int], old: Sequence[int], deadline: float
    ) -> list[int]:
        left = self._refused_inserts(items, new)
        puts = [{"Put": {"TableName": self._table, **self._put_of(items[at])}} for at in old]
        if puts and not self._transact(puts):
            left += old
        for done, at in enumerate(left):
            if done and is_over(deadline):
                return left[done:]
            self._put(items[at])
        return []

    def _stored(self, items: Sequence[Item]) -> dict[tuple[str, ...], Item]:
        keys = [{name: item[name] for name in self._key} for item in items]
        return {self._key_of(item): item for item in self._read_all(keys)}

    def _refused_inserts(self, items: Sequence[Item], new: Sequence[int]) -> list[int]:
        given = [items[at] for at in new]
        return [new[at] for at in insert_all(self._client, self._table, self._key, given)]

    def _key_of(self, item: Item) -> tuple[str, ...]:
        return tuple(item[name]["S"] for name in self._key)

    def _put(self, item: Item) -> None:
        self._write_if(**self._put_of(item))

    def _put_of(self, item: Item) -> dict[str, Any]:
        return {
            "Item": item,
            "ConditionExpression": self._condition.expression,
            "ExpressionAttributeValues": self._condition.values(item),
        }
