"""Shared by the table adapters: attribute values, batched puts, paged queries."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from chalicelib.services.parallel import in_parallel

Item = dict[str, dict[str, Any]]

Part = TypeVar("Part")
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
    """Return a DynamoDB number in plain digits, without an exponent."""
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
    """Return a number attribute as number_of does; None if it is absent."""
    return number_of(item, name) if name in item else None


def readable(
    convert: Callable[[Item], Row], item: Item, kind: str, key: Sequence[str]
) -> Row | None:
    """Return `convert(item)`. If that raises any exception, log it and return None, so that the
    other items are still read. The log names the item by its `kind` and the attributes in `key`."""
    try:
        return convert(item)
    except Exception as error:  # noqa: BLE001 - see above
        place = " ".join(str(item.get(name)) for name in key)
        log.warning("the %s %.200s cannot be read: %.200r", kind, place, error)
        return None


def version_of(item: Item) -> int:
    """Return the version of an item written by `versioned`, at least 1; 0 if it has no readable
    one."""
    return count_of(item, "version")


def count_of(item: Item, name: str) -> int:
    """Return a count that increases with writes; 0 if it is absent or cannot be read."""
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
    """Call BatchWriteItem for all items, whose keys must differ; retry unprocessed items with full
    jitter.

    `key` names the key's attributes. Returns the indexes of items that were not written by the
    deadline (time.monotonic). The first request is made even after the deadline.
    """
    return _write_all(client, table, key, items, deadline, _PUT)


def delete_all(
    client: Any, table: str, key: Sequence[str], keys: Sequence[Item], deadline: float
) -> set[int]:
    """Call BatchWriteItem to delete the items with these keys; otherwise like put_all."""
    return _write_all(client, table, key, keys, deadline, _DELETE)


def _write_all(
    client: Any,
    table: str,
    key: Sequence[str],
    items: Sequence[Item],
    deadline: float,
    form: tuple[str, str],
) -> set[int]:
    """Call BatchWriteItem for all items; `form` has the names of a request and of its content."""
    request, carried = form

    def key_of(item: Item) -> tuple[str, ...]:
        return tuple(item[name]["S"] for name in key)

    def once(indexes: list[int]) -> list[int]:
        from botocore.exceptions import BotoCoreError, ClientError

        requests = [{request: {carried: items[index]}} for index in indexes]
        try:
            answer = client.batch_write_item(RequestItems={table: requests})
        except (BotoCoreError, ClientError) as error:
            if not is_passing(error):
                raise
            return indexes
        unprocessed = answer.get("UnprocessedItems", {}).get(table, [])
        if not unprocessed:
            return []
        refused = {key_of(one[request][carried]) for one in unprocessed}
        return [index for index in indexes if key_of(items[index]) in refused]

    def chunk(indexes: range) -> list[int]:
        if indexes[0] and is_over(deadline):
            return list(indexes)
        return _retried(once, list(indexes), deadline)

    count = len(items)
    chunks = [range(at, min(at + BATCH_WRITE, count)) for at in range(0, count, BATCH_WRITE)]
    return set().union(*in_parallel(chunk, chunks, PARALLEL_WRITES))


def _retried(
    once: Callable[[list[Part]], list[Part]], parts: list[Part], deadline: float = math.inf
) -> list[Part]:
    """Call `once` with the parts, then, with full jitter, with the parts that it returns. Stop if
    none is left or the next pause may outlast the deadline; return the parts that are left."""
    pause = FIRST_PAUSE_SECONDS
    while parts := once(parts):
        if time.monotonic() + pause >= deadline:
            break
        time.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, no secret
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    return parts


def is_passing(error: Exception) -> bool:
    """Return whether a retry may succeed: throttling, a server error, or no answer."""
    response = getattr(error, "response", None)
    if response is None:
        return True
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    code = response.get("Error", {}).get("Code", "")
    return status >= 500 or "Throttl" in code or "ProvisionedThroughput" in code


def query(client: Any, **request: Any) -> Iterator[tuple[list[Item], bool]]:
    """Yield the pages of a Query, each as its items and whether it is the last page."""
    for answer in _answers(client, request):
        yield answer["Items"], "LastEvaluatedKey" not in answer


def counted(client: Any, **request: Any) -> int:
    """Return the number of items of a Query with Select COUNT."""
    return sum(int(answer["Count"]) for answer in _answers(client, request))


def _answers(client: Any, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    while True:
        answer = client.query(**request)
        yield answer
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def key_range(
    hash_name: str,
    hash_value: str,
    range_name: str,
    start: str | None,
    end: str | None,
) -> dict[str, Any]:
    """Return the key condition of a Query over `[start, end)`; None leaves an end open.

    DynamoDB accepts one condition on the range key, and BETWEEN includes both ends: the caller has
    to drop a row whose range key is `end`.
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
    found: list[Item] = []

    def once(left: list[Item]) -> list[Item]:
        answer = client.batch_get_item(RequestItems={table: {"Keys": left, "ConsistentRead": True}})
        found.extend(answer["Responses"].get(table, []))
        unread: list[Item] = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        return unread

    chunks = [list(keys[at : at + BATCH_GET]) for at in range(0, len(keys), BATCH_GET)]
    in_parallel(lambda chunk: _retried(once, chunk), chunks, PARALLEL_WRITES)
    return found
