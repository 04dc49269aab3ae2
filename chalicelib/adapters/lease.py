"""The lease of compaction: one item of the symbols table, in a list of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.adapters.dynamodb import item_of
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.times import to_text


class CompactionLease(TableAccess):
    """Implements Lease on DynamoDB."""

    def take(self, owner: str, now: datetime, until: datetime) -> bool:
        """See Lease.take."""
        return self._write_if(
            Item=_item(owner, until),
            ConditionExpression="attribute_not_exists(symbol) OR #until <= :now OR #owner = :owner",
            ExpressionAttributeNames={"#until": "until", "#owner": "owner"},
            ExpressionAttributeValues={":now": {"S": to_text(now)}, ":owner": {"S": owner}},
        )

    def release(self, owner: str, now: datetime) -> None:
        """See Lease.release."""
        self._write_if(
            Item=_item(owner, now),
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": {"S": owner}},
        )


def _item(owner: str, until: datetime) -> dict[str, Any]:
    return item_of(list="lease", symbol="compact", owner=owner, until=to_text(until))
