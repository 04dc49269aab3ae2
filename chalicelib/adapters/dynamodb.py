"""Functions that the table adapters share: attribute values, batched puts, paged queries."""

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
"""More digits before the decimal point, or zeros after it, than DynamoDB accepts."""

_LONGEST = 300
"""The most characters of a number that is parsed. DynamoDB keeps 38 digits."""

_MOST_WRITES = 10**15
"""More writes than any item ever gets; a count of this size or above counts as unreadable."""

BATCH_WRITE = 25
BATCH_GET = 100
PARALLEL_WRITES = 4
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0

_PUT = ("PutRequest", "Item")
_DELETE = ("DeleteRequest", "Key")


def number(value: Decimal | int) -> dict[str, str]:
    """Return a number as a DynamoDB attribute value, in plain digits without an exponent."""
    written = str(value)
    return {"N": f"{value:f}" if "E" in written else written}


def text(value: str) -> dict[str, str]:
    """Return a string as a DynamoDB attribute value."""
    return {"S": value}


def item_of(**attributes: Decimal | int | str | bool | None) -> Item:
    """Return a DynamoDB item with the attributes that are not None."""
    return {name: _value(value) for name, value in attributes.items() if value is not None}


def _value(value: Decimal | int | str | bool) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    return {"BOOL": value} if isinstance(value, bool) else number(value)


def optional_text(item: Item, name: str) -> str | None:
    """Return an item's string attribute; None if the attribute is absent."""
    return item[name]["S"] if name in item else None


def number_of(item: Item, name: str) -> Decimal:
    """Return an item's number attribute. Raises KeyError if the attribute is absent or has another
    type. Raises ValueError or ArithmeticError if DynamoDB could not store its number."""
    written = item[name]["N"]
    found = Decimal(written if len(written) <= _LONGEST else "NaN")
    if not (found.is_finite() and -_MOST_DIGITS < found.adjusted() < _MOST_DIGITS):
        raise ValueError(f"{name}: {written!r:.80}")
    return found


def optional_number(item: Item, name: str) -> Decimal | None:
    """Return a number attribute as number_of does; None if the attribute is absent."""
    return number_of(item, name) if name in item else None


def readable(
    convert: Callable[[Item], Row], item: Item, kind: str, key: Sequence[str]
) -> Row | None:
    """Return `convert(item)`. If that raises any exception, log it and return None, so that other
    items are still read. The log names the item by `kind` and its attributes in `key`."""
    try:
        return convert(item)
    except Exception as error:  # noqa: BLE001 - see above
        place = " ".join(str(item.get(name)) for name in key)
        log.warning("the %s %.200s cannot be read: %.200r", kind, place, error)
        return None


def version_of(item: Item) -> int:
    """Return the version, at least 1, of an item that was written by `versioned`; 0 if it cannot be
    read."""
    return count_of(item, "version")


def count_of(item: Item, name: str) -> int:
    """Return an attribute that counts writes; 0 if it is absent or cannot be read."""
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
    """Put items by BatchWriteItem; retry unprocessed items with full jitter.

    The items' keys must differ; `key` names the key's attributes. Returns the indexes of items that
    were not written by the deadline (time.monotonic). Even after it, a first request is made.
    """
    return _write_all(client, table, key, items, deadline, _PUT)


def delete_all(
    client: Any, table: str, key: Sequence[str], keys: Sequence[Item], deadline: float
) -> set[int]:
    """Delete the items with these keys by BatchWriteItem; otherwise like put_all."""
    return _write_all(client, table, key, keys, deadline, _DELETE)


def _write_all(
    client: Any,
    table: str,
    key: Sequence[str],
    items: Sequence[Item],
    deadline: float,
    form: tuple[str, str],
) -> set[int]:
    """Call BatchWriteItem for all items. `form` is, for example, PutRequest and Item."""
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
    """Call `once` with the parts, and then, after pauses with jitter, with the parts that it
    returns. Stop if no part is left or the next pause may outlast the deadline."""
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
    """Yield each page of a Query as the page's items and whether it is the last page."""
    for answer in _answers(client, request):
        yield answer["Items"], "LastEvaluatedKey" not in answer


def counted(client: Any, **request: Any) -> int:
    """Return the total count of a Query with Select COUNT."""
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
    """Return the key condition of a Query over `[start, end)`. None leaves that end open.

    DynamoDB accepts one condition on the range key, and BETWEEN includes both ends. The caller must
    therefore drop a row whose range key is `end`.
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
    """Return the items that exist under `keys`, in any order. The reads are consistent, 100 per
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
