"""Digests: the alerts that a channel held back until an instant, sent as one message.

A digest has a head, which stores the delivery of the message, and a member for each alert. A
digest's key begins with `digest:`, unlike any symbol.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal

import msgspec

from chalicelib.domain.alerts import SIMULATED_SOURCE, Alert, Severity, StoredAlert
from chalicelib.domain.deliveries import Delivery

_PREFIX = "digest:"
HEAD = "head"
EXPIRED = "its alerts have expired"
"""The error of a dead digest whose members have expired."""

EMPTY = "it has no alerts"
"""The error of a dead digest that has no head."""


class Digest(msgspec.Struct, frozen=True):
    """A digest's identity: the channel's id, and the instant `until` at which the digest is due, in
    its stored form.

    `symbol`, `timestamp` and `rule_id` form the key of the digest's head in the alerts table.
    """

    channel: str
    until: str

    @property
    def symbol(self) -> str:
        """Return the hash key of the digest's head and members."""
        return f"{_PREFIX}{self.channel}:{self.until}"

    @property
    def timestamp(self) -> str:
        """Return an empty text, so that the head sorts before every member."""
        return ""

    @property
    def rule_id(self) -> str:
        """Return the rule id in the head's key, which is the same for every head."""
        return HEAD

    @property
    def digest_id(self) -> str:
        """Return the id in the digest's messages: 24 hexadecimal digits that follow from its
        identity."""
        return hashlib.sha256(self.symbol.encode()).hexdigest()[:24]


def digest_of(symbol: str) -> Digest | None:
    """Return the digest whose hash key is `symbol`; None if `symbol` is a symbol of prices."""
    if not symbol.startswith(_PREFIX):
        return None
    channel, _, until = symbol.removeprefix(_PREFIX).partition(":")
    return Digest(channel, until)


def opened(digest: Digest) -> Delivery:
    """Return the delivery of a new digest, which waits until it is due."""
    return Delivery(
        channel=digest.channel,
        status="waiting",
        attempts=0,
        at=digest.until,
        until=digest.until,
    )


class StoredDigest(msgspec.Struct, frozen=True):
    """The stored head of a digest, with the number of members. Alerts may join the digest while it
    is open; a claim closes it."""

    digest: Digest
    is_open: bool
    deliveries: tuple[Delivery, ...]
    notified_at: str | None = None
    members: int = 0

    def on(self, channel: str) -> Delivery | None:
        """Return the digest's delivery on a channel. None before the first attempt, and for any
        channel other than the digest's own."""
        return next((one for one in self.deliveries if one.channel == channel), None)


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alert in a digest: the contents of its message, and why it was held."""

    symbol: str
    timestamp: str
    rule_id: str
    condition: str
    price: Decimal
    message: str
    source: str
    reason: str
    exchange_timezone: str | None = None
    severity: Severity = "normal"

    @property
    def simulated(self) -> bool:
        """Return whether the alert is about simulated prices."""
        return self.source == SIMULATED_SOURCE


def member_of(stored: StoredAlert, reason: str) -> Member:
    """Return an alert as a member of a digest."""
    alert: Alert = stored.alert
    return Member(
        symbol=alert.symbol,
        timestamp=alert.timestamp,
        rule_id=alert.rule_id,
        condition=alert.condition,
        price=alert.price,
        message=alert.message,
        source=alert.source,
        reason=reason,
        exchange_timezone=stored.exchange_timezone,
        severity=alert.severity,
    )


class Receipt(msgspec.Struct, frozen=True):
    """What became of an alert on a channel. If the alert was held, `held_until` and `reason` say
    until when and why. Once its digest is closed, `delivery` is the digest's delivery."""

    delivery: Delivery
    held_until: str | None = None
    reason: str | None = None


def receipt(delivery: Delivery, head: StoredDigest | None) -> Receipt:
    """Return the receipt of an alert's delivery. `head` is the head of the digest that held the
    alert, or None."""
    if delivery.status != "held":
        return Receipt(delivery)
    of_digest = head.on(delivery.channel) if head and not head.is_open else None
    return Receipt(of_digest or delivery, delivery.until, delivery.reason)
