"""The deliveries of alerts, stored in their items: an attribute for each channel, with a text that
is compared and replaced as a whole."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, optional_text, put_if, read
from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import Delivery

PREFIX = "delivery_"

NEW, TAKEN = "new", "taken"
"""Values of `outbox`: the alert is to be sent, or its first attempt has begun."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Delivery)


class Deliveries:
    """DeliveryStore over the alerts table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def find(self, symbol: str, timestamp: str, rule_id: str) -> StoredAlert | None:
        """See DeliveryStore."""
        from chalicelib.adapters.alerts import to_stored

        item = read(self._client, self._table, _key(symbol, timestamp, rule_id))
        return to_stored(item) if item else None

    def replace(self, alert: Alert, before: Delivery | None, after: Delivery) -> bool:
        """See DeliveryStore."""
        values = {":after": {"S": _text(after)}, ":taken": {"S": TAKEN}}
        conditions = ["attribute_exists(symbol)"]
        if before is None:
            conditions.append("attribute_not_exists(#channel)")
            # Claims and marks of a version that sent alerts within detect.
            conditions.append("(attribute_not_exists(notified_at) OR outbox = :taken)")
            conditions.append("(attribute_not_exists(claimed_until) OR claimed_until < :now)")
            values[":now"] = {"S": after.at}
        else:
            conditions.append("#channel = :before")
            values[":before"] = {"S": _text(before)}
        changes = "SET #channel = :after, outbox = :taken"
        if after.status == "sent":
            changes += ", notified_at = if_not_exists(notified_at, :at)"
            values[":at"] = {"S": after.at}
        return put_if(
            self._client,
            TableName=self._table,
            Key=_key(alert.symbol, alert.timestamp, alert.rule_id),
            UpdateExpression=changes,
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeNames={"#channel": PREFIX + after.channel},
            ExpressionAttributeValues=values,
        )


def deliveries_of(item: Item) -> tuple[Delivery, ...]:
    """Return the deliveries of an alert's item, by channel id."""
    names = sorted(name for name in item if name.startswith(PREFIX))
    return tuple(_decoder.decode(optional_text(item, name) or "") for name in names)


def _text(delivery: Delivery) -> str:
    return _encoder.encode(delivery).decode()


def _key(symbol: str, timestamp: str, rule_id: str) -> Item:
    return {"symbol": {"S": symbol}, "timestamp_rule": {"S": f"{timestamp}#{rule_id}"}}
