"""What delivering needs of its stores; adapters and the tests' fakes both provide it."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import Delivery, Retry


class DeliveryStore(Protocol):
    """The deliveries of alerts."""

    def find(self, symbol: str, timestamp: str, rule_id: str) -> StoredAlert | None:
        """An alert with its deliveries, read consistently; None where it is gone."""

    def replace(self, alert: Alert, before: Delivery | None, after: Delivery) -> bool:
        """Write an alert's delivery on a channel if it still is `before`; whether it was.

        The first delivery is refused, too, while an earlier version is sending the alert, and once
        that version has sent it. The first one that is sent dates the alert's `notified_at`.
        """


class RetryQueue(Protocol):
    """Further attempts, each handed out when its time comes, and those that nobody makes."""

    def put(self, retry: Retry, seconds: float) -> None:
        """Deliver after `seconds`, or after the longest delay of the queue if that is shorter."""

    def bury(self, retry: Retry, reason: str) -> None:
        """Keep for a redrive: no further attempt is made by itself."""
