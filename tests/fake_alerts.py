"""An AlertStore in memory, by symbol and by day."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import Delivery
from chalicelib.domain.digests import Digest, StoredDigest
from chalicelib.services.market_data.queries import Range
from chalicelib.services.stores import Page


class FakeAlerts:
    """AlertStore in memory."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], StoredAlert] = {}
        self.heads: dict[Digest, StoredDigest] = {}

    def digests(self, wanted: Collection[Digest]) -> dict[Digest, StoredDigest]:
        """See AlertStore.digests."""
        return {each: self.heads[each] for each in wanted if each in self.heads}

    def record_all(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """See AlertStore.record_all."""
        for alert in alerts:
            stored = StoredAlert(alert, exchange_timezone=exchange_timezone)
            self.stored.setdefault(_alert_key(alert), stored)

    def record_pending(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """See AlertStore.record_pending."""
        self.record_all(alerts, exchange_timezone)

    def mark_sent(self, alert: Alert, now: str, *deliveries: Delivery) -> None:
        """Note the time at which an alert was sent, and its deliveries."""
        found = self.stored[_alert_key(alert)]
        changed = msgspec.structs.replace(found, notified_at=now, deliveries=deliveries)
        self.stored[_alert_key(alert)] = changed

    def find(self, alert_id: str) -> StoredAlert | None:
        """See AlertStore.find."""
        found = (one for one in self.stored.values() if one.alert.alert_id == alert_id)
        return next(found, None)

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
        """See AlertStore.by_symbol."""
        rows = {
            key[1]: alert
            for key, alert in self.stored.items()
            if key[0] == symbol
            and (start is None or key[1] >= start)
            and (end is None or key[1] < end)
        }
        return _alert_page(rows, limit, descending, after_key)

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
        """See AlertStore.by_day."""
        reach = Range(start, end)
        if after_key is not None and not reach.holds(after_key.partition("#")[0]):
            raise ValueError("ExclusiveStartKey is outside query boundaries")
        rows = {
            f"{one.alert.timestamp}#{one.alert.symbol}#{one.alert.rule_id}": one
            for one in self.stored.values()
            if one.alert.timestamp.startswith(day) and reach.holds(one.alert.timestamp)
        }
        return _alert_page(rows, limit, descending, after_key)


def _alert_key(alert: Alert) -> tuple[str, str]:
    return alert.symbol, f"{alert.timestamp}#{alert.rule_id}"


def _alert_page(
    rows: dict[str, StoredAlert], limit: int, descending: bool, after: str | None
) -> Page[StoredAlert]:
    keys = sorted(rows, reverse=descending)
    if after is not None:
        keys = [key for key in keys if (key < after if descending else key > after)]
    kept = keys[:limit]
    more = len(keys) > limit
    return Page(tuple(rows[key] for key in kept), kept[-1] if more and kept else None)
