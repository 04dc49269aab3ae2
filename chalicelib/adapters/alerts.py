"""The alerts table, which holds each alert once. `deliver` reads from the table's stream the alerts
whose `outbox` is "new", and sends them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from chalicelib.adapters.deliveries import NEW, deliveries_of, key_of, to_stored_digest
from chalicelib.adapters.dynamodb import (
    Item,
    item_of,
    key_range,
    number,
    number_of,
    optional_text,
    readable,
)
from chalicelib.adapters.inserts import insert_all
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.digests import Digest, StoredDigest
from chalicelib.domain.times import from_text
from chalicelib.services.stores import Page

log = logging.getLogger("ticktape.alerts")

_BY_DAY, _BY_ID = "by_day", "by_id"
_KEY = ("symbol", "timestamp_rule")


class Alerts(TableAccess):
    """Implements AlertStore on DynamoDB."""

    def record_all(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """See AlertStore.record_all. If the batch insert of an alert fails, the alert is put
        alone."""
        items = [_to_item(alert, exchange_timezone) for alert in alerts]
        if len(items) > 1:
            items = [items[at] for at in insert_all(self._client, self._table, _KEY, items)]
        for item in items:
            self._write_if(
                Item=item,
                ConditionExpression="attribute_not_exists(symbol)",
            )

    def record_pending(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """See AlertStore.record_pending."""
        if not alerts:
            return
        items = self._read_all([key_of(alert) for alert in alerts])
        found = {item["timestamp_rule"]["S"]: item for item in items}
        missing = []
        for alert in alerts:
            item = found.get(f"{alert.timestamp}#{alert.rule_id}")
            if item is None:
                missing.append(alert)
            elif not (alert.quiet or "outbox" in item or "notified_at" in item):
                self._hand_over(alert, exchange_timezone)
        self.record_all(missing, exchange_timezone)

    def _hand_over(self, alert: Alert, exchange_timezone: str | None) -> None:
        """Mark an alert for sending if an earlier version recorded it but did not send it."""
        changes, values = "SET outbox = :new", {":new": {"S": NEW}}
        if exchange_timezone:
            changes += ", exchange_timezone = :zone"
            values[":zone"] = {"S": exchange_timezone}
        self._write_if(
            Key=key_of(alert),
            UpdateExpression=changes,
            ConditionExpression="attribute_exists(symbol) AND attribute_not_exists(outbox)"
            " AND attribute_not_exists(notified_at)",
            ExpressionAttributeValues=values,
        )

    def find(self, alert_id: str) -> StoredAlert | None:
        """See AlertStore.find."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=_BY_ID,
            Limit=1,
            KeyConditionExpression="alert_id = :id",
            ExpressionAttributeValues={":id": {"S": alert_id}},
        )
        keys = [{name: item[name] for name in _KEY} for item in answer["Items"]]
        item = self._read(keys[0]) if keys else None
        return read_alert(item) if item else None

    def digests(self, wanted: Collection[Digest]) -> dict[Digest, StoredDigest]:
        """See AlertStore.digests. One BatchGetItem for each 100 digests."""
        keys = [key_of(digest) for digest in wanted]
        items = self._read_all(keys)
        found = [stored for item in items if (stored := to_stored_digest(item))]
        return {stored.digest: stored for stored in found}

    def by_symbol(
        self,
        symbol: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        after_key: str | None = None,
    ) -> Page[StoredAlert]:
        """See AlertStore.by_symbol. `after_key` is the `next_key` of the page before."""
        request = key_range("symbol", symbol, "timestamp_rule", start, end)
        start_key = {"symbol": {"S": symbol}, "timestamp_rule": {"S": after_key or ""}}
        if after_key:
            request["ExclusiveStartKey"] = start_key
        return self._page(request, limit, descending, "timestamp_rule")

    def by_day(
        self,
        day: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        after_key: str | None = None,
    ) -> Page[StoredAlert]:
        """See AlertStore.by_day. The index's range key is `time#symbol#rule`. The keys of alerts at
        `end` sort after `end`, so the Query leaves these alerts out."""
        request = key_range("day", day, "timestamp_symbol_rule", start, end)
        request["IndexName"] = _BY_DAY
        if after_key:
            timestamp, symbol, rule_id = after_key.split("#", 2)
            request["ExclusiveStartKey"] = {
                "day": {"S": day},
                "timestamp_symbol_rule": {"S": after_key},
                "symbol": {"S": symbol},
                "timestamp_rule": {"S": f"{timestamp}#{rule_id}"},
            }
        return self._page(request, limit, descending, "timestamp_symbol_rule")

    def _page(
        self, request: dict[str, Any], limit: int, descending: bool, sort_key: str
    ) -> Page[StoredAlert]:
        rows: list[Item] = []
        finished = False
        for items, is_last in self._query(
            ScanIndexForward=not descending,
            Limit=limit + 1,
            **request,
        ):
            rows += items
            finished = is_last
            if len(rows) > limit:
                break
        more = not finished or len(rows) > limit
        kept = rows[:limit]
        next_key = kept[-1][sort_key]["S"] if more and kept else None
        read_ones = (read_alert(item) for item in kept)
        return Page(tuple(one for one in read_ones if one is not None), next_key)


def _to_item(alert: Alert, exchange_timezone: str | None) -> Item:
    item = key_of(alert) | item_of(
        timestamp=alert.timestamp,
        rule_id=alert.rule_id,
        alert_id=alert.alert_id,
        condition=alert.condition,
        interval=alert.interval,
        price=alert.price,
        message=alert.message,
        source=alert.source,
        quiet=alert.quiet or None,
        outbox=None if alert.quiet else NEW,
        exchange_timezone=exchange_timezone or None,
        channels=" ".join(alert.channels) or None,
        severity=None if alert.severity == "normal" else alert.severity,
        day=alert.timestamp[:10],
        timestamp_symbol_rule=f"{alert.timestamp}#{alert.symbol}#{alert.rule_id}",
    )
    item["values"] = {"M": {name: number(value) for name, value in alert.values.items()}}
    return item


def read_alert(item: Item) -> StoredAlert | None:
    """Return the alert of an item. If the item cannot be read, log that and return None."""
    return readable(_checked, item, "alert", _KEY)


def _checked(item: Item) -> StoredAlert:
    found = to_stored(item)
    from_text(found.alert.timestamp)
    return found


def to_stored(item: Item) -> StoredAlert:
    """Return the alert of an item, with its deliveries. Raises an error of any kind if the item
    cannot be read."""
    values = item["values"]["M"]
    alert = Alert(
        symbol=item["symbol"]["S"],
        timestamp=item["timestamp"]["S"],
        rule_id=item["rule_id"]["S"],
        condition=item["condition"]["S"],
        interval=item["interval"]["S"],
        price=number_of(item, "price"),
        values={name: number_of(values, name) for name in values},
        message=item["message"]["S"],
        source=item["source"]["S"],
        quiet=optional_text(item, "quiet") or "",
        channels=tuple((optional_text(item, "channels") or "").split()),
        severity="urgent" if optional_text(item, "severity") == "urgent" else "normal",
    )
    return StoredAlert(
        alert,
        optional_text(item, "notified_at"),
        optional_text(item, "exchange_timezone"),
        deliveries_of(item),
    )
