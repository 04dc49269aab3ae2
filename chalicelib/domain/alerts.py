"""Alerts: that a rule fired on a symbol at a tick. One is identified by exactly these three."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import msgspec

SIMULATED_SOURCE = "simulator"


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule that fired. `values` are the figures that it was judged by, by name.

    `quiet` is empty where the alert is to be sent, else why it is only recorded.
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

    @property
    def alert_id(self) -> str:
        """The same for the same rule, symbol and tick, whatever is redelivered."""
        identity = f"{self.symbol}|{self.timestamp}|{self.rule_id}"
        return hashlib.sha256(identity.encode()).hexdigest()[:24]

    @property
    def simulated(self) -> bool:
        """Whether it is about invented prices."""
        return self.source == SIMULATED_SOURCE


class StoredAlert(msgspec.Struct, frozen=True):
    """An alert as the table has it; notified_at is None until its message has been sent."""

    alert: Alert
    notified_at: str | None = None
