"""Digests: the alerts that a channel held back until an instant, sent as one message.

A digest has a head, which stores the delivery of the message, and a member for each alert. Unlike a
symbol, a digest's key begins with `digest:`.
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
    """A digest's identity: the channel's id, and the instant `until` at which it is due, in its
    stored form.

    `symbol`, `timestamp` and `rule_id` are those of its head in the alerts table.
    """

    channel: str
    until: str

    @property
    def symbol(self) -> str:
        """Return the hash key of the digest's head and members."""
        return f"{_PREFIX}{self.channel}:{self.until}"

    @property
    def timestamp(self) -> str:
        """Return an empty text, which sorts before every member's timestamp."""
        return ""

    @property
    def rule_id(self) -> str:
        """Return the name that every head has."""
        return HEAD

    @property
    def digest_id(self) -> str:
        """Return the id in the digest's messages: 24 hexadecimal digits, always the same for one
        digest."""
        return hashlib.sha256(self.symbol.encode()).hexdigest()[:24]


def digest_of(symbol: str) -> Digest | None:
    """Return the digest with the key `symbol`; None if `symbol` is a symbol of prices."""
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
    """A digest's head as stored, with the number of its members. While the digest is open, alerts
    may be added to it; a claim closes it."""

    digest: Digest
    is_open: bool
    deliveries: tuple[Delivery, ...]
    notified_at: str | None = None
    members: int = 0

    def on(self, channel: str) -> Delivery | None:
        """Return the digest's delivery on a channel; None before the first attempt, and for any
        other channel than the digest's own."""
        return next((one for one in self.deliveries if one.channel == channel), None)


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alert in a digest: what its message says, and why it was held."""

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
    until when and why; once its digest is closed, `delivery` is the digest's."""

    delivery: Delivery
    held_until: str | None = None
    reason: str | None = None


def receipt(delivery: Delivery, head: StoredDigest | None) -> Receipt:
    """Return the receipt of an alert's delivery; `head` is the head of its digest if it was
    held."""
    if delivery.status != "held":
        return Receipt(delivery)
    of_digest = head.on(delivery.channel) if head and not head.is_open else None
    return Receipt(of_digest or delivery, delivery.until, delivery.reason)
