"""What stores over one table share: consistent reads, conditional writes and transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.adapters.dynamodb import Item, batch_get, item_of, key_range, query, version_of

MOST_TRANSACTED = 100
"""The most writes of one transaction."""

_PASSED = "None"
REFUSED = "ConditionalCheckFailed"
CONFLICT = "TransactionConflict"


def refusals(client: Any, writes: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Call TransactWriteItems; return an empty tuple if all writes were made.

    Otherwise no write was made. Returns one code per write: REFUSED if its condition failed,
    CONFLICT if another writer was faster, or "None". Raises botocore's errors for anything else,
    such as throttling.
    """
    from botocore.exceptions import ClientError

    try:
        client.transact_write_items(TransactItems=list(writes))
    except ClientError as error:
        response: Any = error.response
        codes = tuple(each.get("Code", _PASSED) for each in response.get("CancellationReasons", ()))
        if not codes or not set(codes) <= {_PASSED, REFUSED, CONFLICT}:
            raise
        return codes
    return ()


def versioned(table: str, item: Item, version: int) -> dict[str, Any]:
    """Return the put of `item` with the next version, for a transaction. Its condition is that the
    stored item has `version`; for version 0, that no item with a version is stored."""
    put: dict[str, Any] = {"TableName": table}
    put["Item"] = item | item_of(version=version + 1)
    if not version:
        return {"Put": put | {"ConditionExpression": "attribute_not_exists(version)"}}
    put["ExpressionAttributeValues"] = {":v": {"N": str(version)}}
    return {"Put": put | {"ConditionExpression": "version = :v"}}


class TableAccess:
    """A DynamoDB table; base class of the stores."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def _read(self, key: Item) -> Item:
        """Read one item consistently; return an empty item if none is stored."""
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        found: Item = answer.get("Item", {})
        return found

    def _read_all(self, keys: Sequence[Item]) -> list[Item]:
        return batch_get(self._client, self._table, keys)

    def _query(self, **request: Any) -> Iterator[tuple[list[Item], bool]]:
        return query(self._client, TableName=self._table, **request)

    def _partition(self, hash_name: str, hash_value: str, **request: Any) -> Iterator[Item]:
        request |= key_range(hash_name, hash_value, "", None, None)
        return (item for items, _ in self._query(**request) for item in items)

    def _write_if(self, **request: Any) -> bool:
        """Call PutItem, or UpdateItem if the request has a Key; return False if its condition does
        not hold."""
        from botocore.exceptions import ClientError

        write = self._client.update_item if "Key" in request else self._client.put_item
        try:
            write(TableName=self._table, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _transact(self, writes: Sequence[dict[str, Any]]) -> bool:
        """Call TransactWriteItems; return False if a condition does not hold or another writer was
        faster."""
        return not refusals(self._client, writes)

    def _put_version(self, item: Item, version: int, others: Sequence[dict[str, Any]] = ()) -> bool:
        """Write `item` with the next version, and `others` in the same transaction; return False if
        another writer was faster.

        An item whose stored version cannot be read counts as version 0. Replacing such an item
        takes a GetItem of the key `symbol` and `rule_id` and a second transaction.
        """
        if self._transact([versioned(self._table, item, version), *others]):
            return True
        return not version and self._put_unversioned(item, others)

    def _put_unversioned(self, item: Item, others: Sequence[dict[str, Any]]) -> bool:
        stored = self._read({name: item[name] for name in ("symbol", "rule_id")})
        if "version" not in stored or version_of(stored):
            return False
        write = versioned(self._table, item, 0)
        write["Put"]["ConditionExpression"] = "version = :v"
        write["Put"]["ExpressionAttributeValues"] = {":v": stored["version"]}
        return self._transact([write, *others])
