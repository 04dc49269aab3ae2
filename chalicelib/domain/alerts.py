"""Alerts: an alert is one firing of a rule on a symbol at a tick, which together identify it."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import Literal

import msgspec

from chalicelib.domain.deliveries import Delivery

SIMULATED_SOURCE = "simulator"
SIMULATED_MARK = "[SIMULATED] "
"""The first word of every text about simulated prices that people read."""

ALERT_ID = re.compile(r"[0-9a-f]{24}", re.ASCII)
ALERT_ID_ALLOWED = "24 hexadecimal digits, as GET /alerts has them"

Severity = Literal["normal", "urgent"]
"""Urgent alerts are sent at once, whatever their channels hold back."""

TEST_CONDITION = "test"
"""The condition of an alert that a user sends to test a channel."""


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One firing of a rule. `values` has by name the figures that are shown with the alert.

    `channels` are the ids that the rule names; if empty, the default channels apply. `quiet` is why
    the alert is recorded without being sent; empty if it is to be sent. `severity` is the rule's.
    """

    symbol: str
    timestamp: str
    rule_id: str
    condition: str
    interval: str
    price: Decimal
    values: dict[str, Decimal]
    message: str
    source: str
    quiet: str = ""
    channels: tuple[str, ...] = ()
    severity: Severity = "normal"

    @property
    def alert_id(self) -> str:
        """Return the alert's id: 24 hexadecimal digits that follow from rule, symbol and tick."""
        identity = f"{self.symbol}|{self.timestamp}|{self.rule_id}"
        return hashlib.sha256(identity.encode()).hexdigest()[:24]

    @property
    def simulated(self) -> bool:
        """Return whether the alert is about simulated prices."""
        return self.source == SIMULATED_SOURCE


class StoredAlert(msgspec.Struct, frozen=True):
    """An alert as stored in the alerts table.

    `notified_at` is the time at which a channel first accepted the message; None until then.
    `exchange_timezone` is None if the ticks had none, or if an earlier version stored the alert.
    """

    alert: Alert
    notified_at: str | None = None
    exchange_timezone: str | None = None
    deliveries: tuple[Delivery, ...] = ()

    def on(self, channel: str) -> Delivery | None:
        """Return the alert's delivery on a channel; None before the first attempt."""
        return next((one for one in self.deliveries if one.channel == channel), None)
