"""The list "collector" of the symbols table: an item for the lease, and one for what runs know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIST = "collector"

Item = dict[str, Any]
_NOTHING: Mapping[str, Any] = {}


class Items:
    """The collector's items, by name. Methods raise what boto3 raises."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, name: str) -> Item | None:
        """An item, as it was last written."""
        answer = self._client.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def write(
        self,
        name: str,
        fields: Item,
        condition: str,
        names: Mapping[str, str],
        values: Mapping[str, Any] = _NOTHING,
    ) -> bool:
        """Replace an item. Returns whether the condition allowed it."""
        from botocore.exceptions import ClientError

        given = {"ExpressionAttributeValues": dict(values)} if values else {}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_key(name) | fields,
                ConditionExpression=condition,
                ExpressionAttributeNames=dict(names),
                **given,
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _key(name: str) -> Item:
    return {"list": {"S": LIST}, "symbol": {"S": name}}
