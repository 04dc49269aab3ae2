"""Counts the calls of botocore clients: number, bytes and capacity by operation.

Capacity is computed from requests and answers, as DynamoDB charges it on demand. A write takes a
unit for each started KB of an item, also if a condition refuses it, and the same again for each
index. A read takes a unit for each started 4 KB, or half a unit if it is not consistent.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from costs.counted import Tally

KB = 1024
_OWN = "aws-calls"


class AwsCalls:
    """Counts the calls that clients make from now on. `indexes` has the number of global indexes of
    each table."""

    def __init__(self, clients: Iterable[Any], indexes: Mapping[str, int] | None = None) -> None:
        self.by_operation: dict[str, Tally] = {}
        self._indexes = dict(indexes or {})
        self._lock = threading.Lock()
        for client in clients:
            events = client.meta.events
            events.register("provide-client-params", self._params)
            events.register_last("before-parameter-build", self._as_sent)
            events.register("before-call", self._request)
            events.register("after-call", self._answer)

    @property
    def calls(self) -> int:
        """Return the number of all calls."""
        return sum(tally.calls for tally in self.by_operation.values())

    def count(self, *operations: str) -> int:
        """Return the number of calls to some operations."""
        return sum(
            self.by_operation[name].calls for name in operations if name in self.by_operation
        )

    def forget(self) -> None:
        """Set all counts to zero."""
        with self._lock:
            self.by_operation = {}

    def _params(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_OWN] = params

    def _as_sent(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Keep the parameters of a request as they are sent. boto3's tables have already converted
        Python values to DynamoDB's."""
        if params and params.get("RequestItems") != {}:  # json_wire reports its own bodies
            context[_OWN] = params

    def _request(self, params: Mapping[str, Any], context: Any, **_: Any) -> None:
        context[_OWN, "bytes"] = body_bytes(params.get("body") or b"")

    def _answer(
        self, model: Any, http_response: Any, parsed: Any, context: Mapping[Any, Any], **_: Any
    ) -> None:
        request = context.get(_OWN, {})
        failed = http_response.status_code >= 400
        with self._lock:
            tally = self.by_operation.setdefault(model.name, Tally())
            tally.calls += 1
            tally.errors += failed
            tally.request_bytes += context.get((_OWN, "bytes"), 0)
            tally.response_bytes += _response_bytes(model, http_response)
            tally.write_units += self._write_units(model.name, request, parsed)
            tally.read_units += read_units(model.name, request, {} if failed else parsed)

    def _write_units(self, name: str, request: Mapping[str, Any], answer: Any) -> float:
        if name in ("PutItem", "UpdateItem", "DeleteItem"):
            return self._units(request["TableName"], request.get("Item") or request["Key"])
        if name == "BatchExecuteStatement":
            return sum(map(self._inserted_units, request["Statements"]))
        if name == "TransactWriteItems":
            return sum(map(self._transacted_units, request["TransactItems"]))
        if name != "BatchWriteItem":
            return 0.0
        left = answer.get("UnprocessedItems", {})
        return sum(
            self._units(table, _written(write))
            for table, writes in request["RequestItems"].items()
            for write in writes
            if write not in left.get(table, [])
        )

    def _transacted_units(self, write: Mapping[str, Any]) -> float:
        """Return the write units of one write in a transaction: twice those of a plain write."""
        ((_, given),) = write.items()
        return 2 * self._units(given["TableName"], given.get("Item") or given["Key"])

    def _inserted_units(self, statement: Mapping[str, Any]) -> float:
        """Return the write units of an insert. A refused insert costs the same."""
        head, *rest = statement["Statement"].split("'")
        item = dict(zip(rest[::2], statement["Parameters"], strict=True))
        return self._units(head.split('"')[1], item)

    def _units(self, table: str, item: Mapping[str, Any]) -> float:
        return math.ceil(item_bytes(item) / KB) * (1 + self._indexes.get(table, 0))


def _response_bytes(model: Any, response: Any) -> int:
    """Return the size of a response. If the body is streamed and not read yet, the header states
    the size."""
    if model.has_streaming_output:
        return int(response.headers.get("Content-Length", 0))
    return len(response.content or b"")


def body_bytes(body: Any) -> int:
    """Return the size of a request's body, which may be bytes, text, form fields or an open
    file."""
    if hasattr(body, "seek"):
        at = body.tell()
        size = int(body.seek(0, 2))
        body.seek(at)
        return size
    if isinstance(body, Mapping):
        return len(urlencode(body))
    return len(body)


def read_units(name: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """Return the read units of an operation; 0 if it does not read a table. An empty result costs
    as much as the smallest item."""
    if name == "GetItem":
        return _read(item_bytes(answer.get("Item", {})), request)
    if name == "Query":
        return _read(sum(map(item_bytes, answer.get("Items", []))), request)
    if name != "BatchGetItem":
        return 0.0
    total = 0.0
    for table, wanted in request["RequestItems"].items():
        found = answer.get("Responses", {}).get(table, [])
        total += sum(_read(item_bytes(item), wanted) for item in found)
        total += (len(wanted["Keys"]) - len(found)) * _read(0, wanted)
    return total


def _read(size: int, request: Mapping[str, Any]) -> float:
    return max(1, math.ceil(size / (4 * KB))) * (1.0 if request.get("ConsistentRead") else 0.5)


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return an item's size as DynamoDB counts it: the bytes of names and values, numbers by
    digits."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(str(held).encode())
        case "N":
            digits = str(held).lstrip("-").replace(".", "").strip("0")
            return math.ceil(len(digits) / 2) + 1 + str(held).startswith("-")
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(v) for name, v in held.items())
        case "L":
            return 3 + sum(1 + _value_bytes(entry) for entry in held)
        case "BOOL" | "NULL":
            return 1
        case _:
            return len(bytes(held))


def _written(write: dict[str, Any]) -> dict[str, Any]:
    """Return the item that a batch puts. For a delete return the key, since the item is unknown."""
    item: dict[str, Any] = write.get("PutRequest", {}).get("Item") or write["DeleteRequest"]["Key"]
    return item
