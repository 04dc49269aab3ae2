"""Inserts items whose keys are free, 25 per request.

PutItem takes one item, and BatchWriteItem takes no condition. A transaction costs twice the
capacity, and one failure cancels all of its writes. The statements of a BatchExecuteStatement
succeed individually, and an INSERT costs as much as a PutItem (docs/decisions/0120).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from chalicelib.adapters.dynamodb import PARALLEL_WRITES, Item
from chalicelib.services.parallel import in_parallel

BATCH_INSERT = 25


def insert_all(client: Any, table: str, key: Sequence[str], items: Sequence[Item]) -> list[int]:
    """Insert items; return the indexes of items that were not inserted, usually since their key
    exists.

    `key` names the key's attributes. A request may not name a key twice, so only the first item
    with a key is inserted. Attribute names must not have quotes. If a whole request fails, raises
    ClientError or BotoCoreError after the other requests in flight.
    """
    first: dict[tuple[str, ...], int] = {}
    for index, item in enumerate(items):
        first.setdefault(tuple(item[name]["S"] for name in key), index)
    distinct = list(first.values())
    again = sorted(set(range(len(items))) - set(distinct))
    chunks = [distinct[at : at + BATCH_INSERT] for at in range(0, len(distinct), BATCH_INSERT)]

    def insert(indexes: Sequence[int]) -> list[int]:
        statements = [_statement(table, items[index]) for index in indexes]
        answer = client.batch_execute_statement(Statements=statements)
        pairs = zip(indexes, answer["Responses"], strict=True)
        return [index for index, response in pairs if "Error" in response]

    refused = in_parallel(insert, chunks, PARALLEL_WRITES)
    return [*chain.from_iterable(refused), *again]


def _statement(table: str, item: Item) -> dict[str, Any]:
    attributes = ", ".join(f"'{name}': ?" for name in item)
    return {
        "Statement": f'INSERT INTO "{table}" VALUE {{{attributes}}}',
        "Parameters": list(item.values()),
    }
