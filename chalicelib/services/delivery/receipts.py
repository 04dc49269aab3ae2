"""Receipts: what became of an alert on each of its channels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.deliveries import Delivery
from chalicelib.domain.digests import Digest, Receipt, StoredDigest, receipt

MOST_HEADS = 500
"""Digests that one answer reads: five requests."""


class Heads(Protocol):
    """Where the heads of digests are read."""

    def digests(self, wanted: Collection[Digest]) -> Mapping[Digest, StoredDigest]:
        """Return the stored ones of some digests."""


def receipts(heads: Heads, alerts: Sequence[StoredAlert]) -> list[tuple[Receipt, ...]]:
    """Return each alert's receipts by channel. A held alert has that of its digest, which is read
    once however many alerts it has; without held alerts nothing is read."""
    wanted = {_digest(one) for alert in alerts for one in alert.deliveries if one.status == "held"}
    found = heads.digests(wanted) if wanted else {}
    return [
        tuple(receipt(one, found.get(_digest(one))) for one in alert.deliveries) for alert in alerts
    ]


def readable(alerts: Sequence[StoredAlert]) -> Sequence[StoredAlert]:
    """Return the first ones of these alerts, as many as are held in at most MOST_HEADS digests; at
    least one if there is any."""
    wanted: set[Digest] = set()
    for number, alert in enumerate(alerts):
        wanted |= {_digest(one) for one in alert.deliveries if one.status == "held"}
        if number and len(wanted) > MOST_HEADS:
            return alerts[:number]
    return alerts


def _digest(delivery: Delivery) -> Digest:
    return Digest(delivery.channel, delivery.until)
