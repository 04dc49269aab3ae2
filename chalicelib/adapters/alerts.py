"""The alerts table: each alert once, with a claim while it is being sent."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from chalicelib.adapters.dynamodb import (
    Item,
    item_of,
    key_range,
    number,
    optional_text,
    put_if,
    query,
)
from chalicelib.adapters.inserts import insert_all
from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.errors import Contended
from chalicelib.services.stores import Page

_BY_DAY = "by_day"
_KEY = ("symbol", "timestamp_rule")


class Alerts:
    """AlertStore over DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def record(self, alert: Alert) -> None:
        """See AlertStore."""
        self._create(_to_item(alert))

    def record_all(self, alerts: Sequence[Alert]) -> None:
        """See AlertStore. What an insert refuses, for whatever reason, is put by itself."""
        left = alerts
        if len(alerts) > 1:
            items = [_to_item(alert) for alert in alerts]
            left = [alerts[at] for at in insert_all(self._client, self._table, _KEY, items)]
        for alert in left:
            self.record(alert)

    def is_settled(self, alert: Alert) -> bool:
        """See AlertStore."""
        item = self._find(alert)
        return "notified_at" in item or bool(item and alert.quiet)

    def claim(self, alert: Alert, owner: str, now: str, until: str) -> bool:
        """See AlertStore."""
        held = {"claimed_by": {"S": owner}, "claimed_until": {"S": until}}
        if self._create(_to_item(alert) | held) or self._take_over(alert, owner, now, until):
            return True
        if "notified_at" in self._find(alert):
            return False
        raise Contended(f"alert {alert.alert_id} is being sent by another invocation")

    def release(self, alert: Alert, owner: str) -> None:
        """See AlertStore."""
        put_if(
            self._client,
            TableName=self._table,
            Key=_key(alert),
            UpdateExpression="REMOVE claimed_by, claimed_until",
            ConditionExpression="claimed_by = :owner",
            ExpressionAttributeValues={":owner": {"S": owner}},
        )

    def mark_sent(self, alert: Alert, now: str) -> None:
        """See AlertStore."""
        put_if(
            self._client,
            ConditionExpression="attribute_exists(symbol)",  # its symbol may have been forgotten
            TableName=self._table,
            Key=_key(alert),
            UpdateExpression="SET notified_at = :now REMOVE claimed_by, claimed_until",
            ExpressionAttributeValues={":now": {"S": now}},
        )

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
        """See AlertStore. `after_key` is a page's next_key."""
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
        """See AlertStore. The index's keys are a time, a symbol and a rule, so that those of the
        time `end` lie behind it and are not found."""
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
        for items, is_last in query(
            self._client,
            TableName=self._table,
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
        return Page(tuple(map(_to_stored, kept)), next_key)

    def _find(self, alert: Alert) -> Item:
        """Return the stored item; empty if there is none."""
        answer = self._client.get_item(TableName=self._table, Key=_key(alert), ConsistentRead=True)
        found: Item = answer.get("Item", {})
        return found

    def _create(self, item: Item) -> bool:
        return put_if(
            self._client,
            TableName=self._table,
            Item=item,
            ConditionExpression="attribute_not_exists(symbol)",
        )

    def _take_over(self, alert: Alert, owner: str, now: str, until: str) -> bool:
        return put_if(
            self._client,
            TableName=self._table,
            Key=_key(alert),
            UpdateExpression="SET claimed_by = :owner, claimed_until = :until",
            ConditionExpression="attribute_exists(symbol)"
            " AND attribute_not_exists(notified_at)"
            " AND (attribute_not_exists(claimed_by)"
            " OR claimed_by = :owner OR claimed_until < :now)",
            ExpressionAttributeValues={
                ":owner": {"S": owner},
                ":until": {"S": until},
                ":now": {"S": now},
            },
        )


def _key(alert: Alert) -> Item:
    return {
        "symbol": {"S": alert.symbol},
        "timestamp_rule": {"S": f"{alert.timestamp}#{alert.rule_id}"},
    }


def _to_item(alert: Alert) -> Item:
    item = _key(alert) | item_of(
        timestamp=alert.timestamp,
        rule_id=alert.rule_id,
        alert_id=alert.alert_id,
        condition=alert.condition,
        interval=alert.interval,
        price=alert.price,
        message=alert.message,
        source=alert.source,
        quiet=alert.quiet or None,
        day=alert.timestamp[:10],
        timestamp_symbol_rule=f"{alert.timestamp}#{alert.symbol}#{alert.rule_id}",
    )
    item["values"] = {"M": {name: number(value) for name, value in alert.values.items()}}
    return item


def _to_stored(item: Item) -> StoredAlert:
    alert = Alert(
        symbol=item["symbol"]["S"],
        timestamp=item["timestamp"]["S"],
        rule_id=item["rule_id"]["S"],
        condition=item["condition"]["S"],
        interval=item["interval"]["S"],
        price=Decimal(item["price"]["N"]),
        values={name: Decimal(value["N"]) for name, value in item["values"]["M"].items()},
        message=item["message"]["S"],
        source=item["source"]["S"],
        quiet=optional_text(item, "quiet") or "",
    )
    return StoredAlert(alert, optional_text(item, "notified_at"))
