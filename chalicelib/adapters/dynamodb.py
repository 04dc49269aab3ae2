"""Shared by the table adapters: attribute values, batched puts, paged queries."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from chalicelib.services.parallel import in_parallel

Item = dict[str, dict[str, Any]]

Row = TypeVar("Row")

log = logging.getLogger("ticktape.stores")

_MOST_DIGITS = 131
"""More digits before the point, or zeros behind it, than DynamoDB takes."""

_LONGEST = 300
"""The most characters of a number that is parsed; DynamoDB keeps 38 digits."""

_MOST_WRITES = 10**15
"""More than the writes of any item: a higher count is not one of ours."""

BATCH_WRITE = 25
BATCH_GET = 100
PARALLEL_WRITES = 4
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0

_PUT = ("PutRequest", "Item")
_DELETE = ("DeleteRequest", "Key")


def number(value: Decimal | int) -> dict[str, str]:
    """Return a DynamoDB number from decimal text; plain digits, no exponent."""
    written = str(value)
    return {"N": f"{value:f}" if "E" in written else written}


def text(value: str) -> dict[str, str]:
    """Return a DynamoDB string."""
    return {"S": value}


def item_of(**attributes: Decimal | int | str | bool | None) -> Item:
    """Return an item of the attributes that are not None."""
    return {name: _value(value) for name, value in attributes.items() if value is not None}


def _value(value: Decimal | int | str | bool) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    return {"BOOL": value} if isinstance(value, bool) else number(value)


def optional_text(item: Item, name: str) -> str | None:
    """Return a string attribute, None if it is absent."""
    return item[name]["S"] if name in item else None


def number_of(item: Item, name: str) -> Decimal:
    """Return a number attribute. Raises KeyError if it is absent or of another type, ValueError or
    ArithmeticError if it is not a number that DynamoDB takes."""
    written = item[name]["N"]
    found = Decimal(written if len(written) <= _LONGEST else "NaN")
    if not (found.is_finite() and -_MOST_DIGITS < found.adjusted() < _MOST_DIGITS):
        raise ValueError(f"{name}: {written!r:.80}")
    return found


def optional_number(item: Item, name: str) -> Decimal | None:
    """Return a number attribute, None if it is absent; otherwise as number_of."""
    return number_of(item, name) if name in item else None


def readable(
    convert: Callable[[Item], Row], item: Item, kind: str, key: Sequence[str]
) -> Row | None:
    """Return what `convert` makes of a stored item of a kind; None, and a line in the log, if it
    raises, of whatever kind, so that other items are read. `key` names attributes that tell which
    it is."""
    try:
        return convert(item)
    except Exception as error:  # noqa: BLE001 - see above
        place = " ".join(str(item.get(name)) for name in key)
        log.warning("the %s %.200s cannot be read: %.200r", kind, place, error)
        return None


def version_of(item: Item) -> int:
    """Return the version of an item written by `versioned`, from 1; 0 if it has none that can be
    read."""
    return count_of(item, "version")


def count_of(item: Item, name: str) -> int:
    """Return a count that increases with writes; 0 if there is none that can be read."""
    try:
        found = int(item[name]["N"])
    except (KeyError, TypeError, ValueError):
        return 0
    return found if 0 < found < _MOST_WRITES else 0


def is_over(deadline: float) -> bool:
    """Return whether the deadline, in seconds of time.monotonic, has come."""
    return time.monotonic() >= deadline


def put_all(
    client: Any, table: str, key: Sequence[str], items: Sequence[Item], deadline: float
) -> set[int]:
    """Call BatchWriteItem for all items, whose keys must differ; retry unprocessed ones with full
    jitter.

    `key` names the key's attributes. Returns the indexes of items that were not written by the
    deadline (time.monotonic). Even after it, the first request is made.
    """
    return _write_all(_BatchWrite(client, table, key, items, deadline, _PUT), len(items))


def delete_all(
    client: Any, table: str, key: Sequence[str], keys: Sequence[Item], deadline: float
) -> set[int]:
    """Call BatchWriteItem to delete the items with these keys; otherwise as put_all."""
    return _write_all(_BatchWrite(client, table, key, keys, deadline, _DELETE), len(keys))


def _write_all(write: _BatchWrite, count: int) -> set[int]:
    chunks = [range(at, min(at + BATCH_WRITE, count)) for at in range(0, count, BATCH_WRITE)]
    return set().union(*in_parallel(write.chunk, chunks, PARALLEL_WRITES))


class _BatchWrite:
    """Requests of one kind: `form` is the names of the request and of what it contains."""

    def __init__(
        self,
        client: Any,
        table: str,
        key: Sequence[str],
        items: Sequence[Item],
        deadline: float,
        form: tuple[str, str],
    ) -> None:
        self._client = client
        self._table = table
        self._key = key
        self._items = items
        self._deadline = deadline
        self._request, self._carried = form

    def chunk(self, indexes: Sequence[int]) -> set[int]:
        """Write one request's items; return the indexes of those that were not written."""
        left = list(indexes)
        if left[0] and is_over(self._deadline):
            return set(left)
        pause = FIRST_PAUSE_SECONDS
        while left:
            left = self._once(left)
            if not left or time.monotonic() + pause >= self._deadline:
                break
            time.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, no secret
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return set(left)

    def _once(self, indexes: list[int]) -> list[int]:
        from botocore.exceptions import BotoCoreError, ClientError

        requests = [{self._request: {self._carried: self._items[index]}} for index in indexes]
        try:
            answer = self._client.batch_write_item(RequestItems={self._table: requests})
        except (BotoCoreError, ClientError) as error:
            if not is_passing(error):
                raise
            return indexes
        unprocessed = answer.get("UnprocessedItems", {}).get(self._table, [])
        if not unprocessed:
            return []
        refused = {self._key_of(one[self._request][self._carried]) for one in unprocessed}
        return [index for index in indexes if self._key_of(self._items[index]) in refused]

    def _key_of(self, item: Item) -> tuple[str, ...]:
        return tuple(item[name]["S"] for name in self._key)


def is_passing(error: Exception) -> bool:
    """Return whether a retry may succeed: throttling, a server error, or no answer."""
    response = getattr(error, "response", None)
    if response is None:
        return True
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    code = response.get("Error", {}).get("Code", "")
    return status >= 500 or "Throttl" in code or "ProvisionedThroughput" in code


def query(client: Any, **request: Any) -> Iterator[tuple[list[Item], bool]]:
    """Yield pages of a Query: the items of each, and whether it is the last."""
    while True:
        answer = client.query(**request)
        key = answer.get("LastEvaluatedKey")
        yield answer["Items"], key is None
        if key is None:
            return
        request["ExclusiveStartKey"] = key


def counted(client: Any, **request: Any) -> int:
    """Return the number of items of a Query with Select COUNT."""
    total = 0
    while True:
        answer = client.query(**request)
        total += int(answer["Count"])
        if "LastEvaluatedKey" not in answer:
            return total
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def key_range(
    hash_name: str,
    hash_value: str,
    range_name: str,
    start: str | None,
    end: str | None,
) -> dict[str, Any]:
    """Return the key condition of a Query over `[start, end)`; None leaves an end open.

    DynamoDB accepts one condition on the range key, and BETWEEN includes both ends: the caller
    drops a row at `end` itself.
    """
    names = {"#h": hash_name}
    values = {":h": text(hash_value)}
    condition = "#h = :h"
    if start is not None or end is not None:
        names["#r"] = range_name
    if start is not None and end is not None:
        condition += " AND #r BETWEEN :a AND :b"
        values |= {":a": text(start), ":b": text(max(start, end))}
    elif start is not None:
        condition += " AND #r >= :a"
        values[":a"] = text(start)
    elif end is not None:
        condition += " AND #r < :b"
        values[":b"] = text(end)
    return {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def batch_get(client: Any, table: str, keys: Sequence[Item]) -> list[Item]:
    """Return the items that exist under `keys`, in any order, read consistently, 100 per
    request."""
    chunks = [keys[at : at + BATCH_GET] for at in range(0, len(keys), BATCH_GET)]
    found = in_parallel(lambda chunk: _get_chunk(client, table, chunk), chunks, PARALLEL_WRITES)
    return [item for chunk in found for item in chunk]


def _get_chunk(client: Any, table: str, keys: Sequence[Item]) -> list[Item]:
    """Read a chunk; retry unprocessed keys with full jitter."""
    found: list[Item] = []
    left = list(keys)
    wait = FIRST_PAUSE_SECONDS
    while left:
        answer = client.batch_get_item(RequestItems={table: {"Keys": left, "ConsistentRead": True}})
        found += answer["Responses"].get(table, [])
        left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if left:
            time.sleep(random.uniform(0, wait))  # noqa: S311 - jitter, no secret
            wait = min(2 * wait, LONGEST_PAUSE_SECONDS)
    return found
