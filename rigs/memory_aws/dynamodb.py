"""A client for DynamoDB's tables in memory, with botocore's interface."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from rigs.memory_aws import expressions, inserts
from rigs.memory_aws.tables import Item, Table, error

Perform = Callable[[], dict[str, Any]]
Around = Callable[[str, dict[str, Any], Perform], dict[str, Any]]
"""Wraps a call and its effect; faults, counters and schedulers use it."""

_HIGHEST = "\U0010ffff"
_EQUALS = re.compile(r"^([#\w]+) = (:\w+)")


def directly(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
    """Perform a call without a fault. This is the default for `around`."""
    return perform()


class Client(ABC):
    """botocore's client of a service in memory. Each method is an operation. The method with an
    underscore before the same name performs it."""

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        perform = getattr(type(self), f"_{method}")
        operation = method.title().replace("_", "")

        def call(**request: Any) -> dict[str, Any]:
            return self._called(operation, request, lambda: perform(self, request))

        return call

    @abstractmethod
    def _called(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        """Perform an operation, or make it fail."""


class DynamoDB(Client):
    """The client of the tables. `page_items` limits a query's page, as 1 MB does on AWS. Threads
    may share the client: their calls take effect one after another."""

    def __init__(
        self, tables: Mapping[str, Table], around: Around = directly, page_items: int = 1000
    ) -> None:
        self._tables = tables
        self.around = around
        self.page_items = page_items
        self._turn = Lock()

    def _called(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        def in_turn() -> dict[str, Any]:
            with self._turn:
                return perform()

        return self.around(operation, request, in_turn)

    def _put_item(self, request: dict[str, Any]) -> dict[str, Any]:
        table = self._tables[request["TableName"]]
        before = table.items.get(table.key_of(request["Item"]), {})
        self._check("PutItem", request, before)
        table.put(request["Item"])
        return {}

    def _update_item(self, request: dict[str, Any]) -> dict[str, Any]:
        table = self._tables[request["TableName"]]
        before = table.items.get(table.key_of(request["Key"]), {})
        self._check("UpdateItem", request, before)
        scope = (before or request["Key"], *_scope(request))
        table.put(expressions.updated(request["UpdateExpression"], scope))
        after = table.items[table.key_of(request["Key"])]
        return {"Attributes": after} if request.get("ReturnValues") == "ALL_NEW" else {}

    @staticmethod
    def _check(operation: str, request: dict[str, Any], before: Item) -> None:
        condition = request.get("ConditionExpression")
        if condition and not expressions.condition(condition)((before, *_scope(request))):
            raise error(operation, "ConditionalCheckFailedException", 400)

    def _delete_item(self, request: dict[str, Any]) -> dict[str, Any]:
        table = self._tables[request["TableName"]]
        self._check("DeleteItem", request, table.items.get(table.key_of(request["Key"]), {}))
        table.remove(table.key_of(request["Key"]))
        return {}

    def _get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        table = self._tables[request["TableName"]]
        item = table.items.get(table.key_of(request["Key"]))
        return {} if item is None else {"Item": _projected([item], request)[0]}

    def _batch_get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        answers: dict[str, list[Item]] = {}
        if sum(len(wanted["Keys"]) for wanted in request["RequestItems"].values()) > 100:
            raise error("BatchGetItem", "ValidationException", 400)
        for name, wanted in request["RequestItems"].items():
            table = self._tables[name]
            keys = [table.key_of(key) for key in wanted["Keys"]]
            if len(set(keys)) != len(keys):
                raise error("BatchGetItem", "ValidationException", 400)
            found = (table.items[key] for key in keys if key in table.items)
            answers[name] = _projected(found, wanted)
        return {"Responses": answers, "UnprocessedKeys": {}}

    def _batch_write_item(self, request: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= sum(map(len, request["RequestItems"].values())) <= 25:
            raise error("BatchWriteItem", "ValidationException", 400)
        for name, writes in request["RequestItems"].items():
            table = self._tables[name]
            items = [write["PutRequest"]["Item"] for write in writes if "PutRequest" in write]
            gone = [write["DeleteRequest"]["Key"] for write in writes if "DeleteRequest" in write]
            if len({table.key_of(item) for item in (*items, *gone)}) != len(writes):
                raise error("BatchWriteItem", "ValidationException", 400)
            for item in items:
                table.put(item)
            for key in gone:
                table.remove(table.key_of(key))
        return {"UnprocessedItems": {}}

    def _transact_write_items(self, request: dict[str, Any]) -> dict[str, Any]:
        writes = [_write_of(write) for write in request["TransactItems"]]
        places = [(one["TableName"], self._place(one)) for _, one in writes]
        if not 1 <= len(writes) <= 100 or len(set(places)) != len(places):
            raise error("TransactWriteItems", "ValidationException", 400)
        self._check_all(writes)
        perform = {"Put": self._put_item, "Update": self._update_item, "Delete": self._delete_item}
        for kind, one in writes:
            perform[kind](one)
        return {}

    def _place(self, write: dict[str, Any]) -> tuple[str, str]:
        table = self._tables[write["TableName"]]
        return table.key_of(write["Item"] if "Item" in write else write["Key"])

    def _check_all(self, writes: list[tuple[str, dict[str, Any]]]) -> None:
        reasons = []
        for kind, one in writes:
            before = self._tables[one["TableName"]].items.get(self._place(one), {})
            try:
                self._check(kind, one, before)
                reasons.append({"Code": "None"})
            except ClientError:
                reasons.append({"Code": "ConditionalCheckFailed"})
        if any(reason["Code"] != "None" for reason in reasons):
            refused = error("TransactWriteItems", "TransactionCanceledException", 400)
            refused.response["CancellationReasons"] = reasons
            raise refused

    def _batch_execute_statement(self, request: dict[str, Any]) -> dict[str, Any]:
        statements = request["Statements"]
        targets = [inserts.parsed(statement) for statement in statements]
        keys = {(name, self._tables[name].key_of(item)) for name, item in targets}
        if not 1 <= len(statements) <= 25 or len(keys) != len(statements):
            raise error("BatchExecuteStatement", "ValidationException", 400)
        return {"Responses": [inserts.inserted(self._tables, given) for given in statements]}

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        table = self._tables[request["TableName"]]
        items = self._matching(table, request)
        if not request.get("ScanIndexForward", True):
            items.reverse()
        start = request.get("ExclusiveStartKey")
        if start:
            items = _after(table, items, start)
        limit = min(request.get("Limit", self.page_items), self.page_items)
        page = items[:limit]
        answer: dict[str, Any] = {"Count": len(page)}
        if request.get("Select") != "COUNT":
            answer["Items"] = _projected(page, request)
        if len(page) == limit:  # AWS also adds the key if nothing follows
            answer["LastEvaluatedKey"] = _key(table, page[-1], request.get("IndexName"))
        return answer

    def _matching(self, table: Table, request: dict[str, Any]) -> list[Item]:
        names, values = _scope(request)
        expression = request["KeyConditionExpression"]
        equals = _EQUALS.match(expression)
        if equals is None:
            raise ValueError(f"unknown key condition: {expression}")
        hash_value = values[equals[2]]["S"]
        index = request.get("IndexName")
        if index:
            items = table.indexed(index, hash_value)
        else:
            low, high = _bounds(values, equals[2])
            items = table.between(hash_value, low, high)
        matches = expressions.condition(expression)
        return [item for item in items if matches((item, names, values))]


def _write_of(write: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the kind of a transaction's write, and its request. Raises ValueError for an unknown
    kind."""
    ((kind, one),) = write.items()
    if kind not in ("Put", "Update", "Delete"):
        raise ValueError(f"unknown write: {kind}")
    return kind, one


def _scope(request: dict[str, Any]) -> tuple[Mapping[str, str], Mapping[str, Mapping[str, Any]]]:
    return (
        request.get("ExpressionAttributeNames", {}),
        request.get("ExpressionAttributeValues", {}),
    )


def _bounds(values: Mapping[str, Mapping[str, Any]], hash_name: str) -> tuple[str, str]:
    """Return a range of keys that includes all matches. The condition filters them afterwards."""
    if ":a" in values and hash_name != ":a":
        return values[":a"]["S"], values[":b"]["S"] if ":b" in values else _HIGHEST
    if ":b" in values:
        return "", values[":b"]["S"]
    return "", _HIGHEST


def _projected(items: Iterable[Item], request: Mapping[str, Any]) -> list[Item]:
    names = request.get("ProjectionExpression")
    if not names:
        return list(items)
    given = request.get("ExpressionAttributeNames", {})
    wanted = {
        given[name] if name.startswith("#") else expressions.unreserved(name)
        for name in names.replace(" ", "").split(",")
    }
    return [{name: item[name] for name in item if name in wanted} for item in items]


def _key(table: Table, item: Item, index: str | None) -> dict[str, Any]:
    names = {table.hash, table.range or table.hash}
    if index:
        names |= {
            table.indexes[index][part] for part in ("hash", "range") if part in table.indexes[index]
        }
    return {name: item[name] for name in names}


def _after(table: Table, items: list[Item], start: Item) -> list[Item]:
    """Return the items after a key. The key's own item may have been deleted."""
    key = table.key_of(start)
    keys = [table.key_of(item) for item in items]
    if key in keys:
        return items[keys.index(key) + 1 :]
    return [item for item, mine in zip(items, keys, strict=True) if mine > key]
