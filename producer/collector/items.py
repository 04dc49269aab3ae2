"""The items of the list "collector" in the symbols table: the lease and the runs' memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from chalicelib.domain.times import from_text


class Fields:
    """Reads the fields of a DynamoDB item. For a missing or invalid field the methods return None
    and add its name to `broken`."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self._item = item
        self.broken: list[str] = []

    def text(self, name: str) -> str | None:
        """Return a field's text."""
        return self._read(name, "S")

    def number(self, name: str, most: int) -> int | None:
        """Return a field's whole number, from 0 to `most`."""
        text = self._read(name, "N")
        if text is None:
            return None
        if text.isdecimal() and int(text) <= most:
            return int(text)
        self.fail(name)
        return None

    def instant(self, name: str) -> datetime | None:
        """Return the time in a field as an aware UTC datetime."""
        text = self._read(name, "S")
        try:
            return None if text is None else from_text(text)
        except ValueError:
            self.fail(name)
            return None

    def _read(self, name: str, kind: str) -> str | None:
        value = self._item.get(name)
        if isinstance(value, Mapping) and isinstance(value.get(kind), str):
            return str(value[kind])
        self.fail(name)
        return None

    def fail(self, name: str) -> None:
        """Add a field's name to `broken`."""
        self.broken.append(name)


LIST = "collector"

Item = dict[str, Any]
_NOTHING: Mapping[str, Any] = {}
_SECOND = timedelta(seconds=1)


class Items:
    """Reads and writes the collector's items by name. Methods raise boto3's errors. `ahead` is how
    far DynamoDB's clock is ahead of `now`, as the last response to `read` showed."""

    def __init__(
        self, client: Any, table: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._client = client
        self._table = table
        self._now = now
        self.ahead = timedelta()

    def read(self, name: str) -> Item | None:
        """Read an item consistently; return None if the item is missing."""
        asked = self._now()
        answer = self._client.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        self.ahead = _ahead(answer, asked, self._now())
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
        """Replace an item if the condition holds. Return whether it held."""
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


def _ahead(answer: Mapping[str, Any], asked: datetime, answered: datetime) -> timedelta:
    """Return how far DynamoDB's clock is ahead of ours; zero without a valid Date header.

    `asked` and `answered` are our times before the request and after the response. The header has
    whole seconds, so several offsets fit; the result is the smallest.
    """
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        date = parsedate_to_datetime(headers["date"])
        least, most = date - answered, date + _SECOND - asked
    except (KeyError, TypeError, ValueError):
        return timedelta()
    return max(least, min(most, timedelta()))
