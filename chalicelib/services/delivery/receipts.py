"""Receipts of alerts: what became of an alert on each of its channels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.deliveries import Delivery
from chalicelib.domain.digests import Digest, Receipt, StoredDigest, receipt

MOST_HEADS = 500
"""The most digests that one answer reads, with five requests."""


Heads = Callable[[Collection[Digest]], Mapping[Digest, StoredDigest]]
"""Returns those of some digests that are stored."""


def receipts(heads: Heads, alerts: Sequence[StoredAlert]) -> list[tuple[Receipt, ...]]:
    """Return the receipts of each alert, one for each of its deliveries. A held alert has that of
    its digest. Each digest is read once for all of its alerts. If no alert is held, nothing is
    read."""
    wanted = {_digest(one) for alert in alerts for one in alert.deliveries if one.status == "held"}
    found = heads(wanted) if wanted else {}
    return [
        tuple(receipt(one, found.get(_digest(one))) for one in alert.deliveries) for alert in alerts
    ]


def readable(alerts: Sequence[StoredAlert]) -> Sequence[StoredAlert]:
    """Return as many of the first alerts as are held in no more than MOST_HEADS digests; at least
    one if there are any."""
    wanted: set[Digest] = set()
    for number, alert in enumerate(alerts):
        wanted |= {_digest(one) for one in alert.deliveries if one.status == "held"}
        if number and len(wanted) > MOST_HEADS:
            return alerts[:number]
    return alerts


def _digest(delivery: Delivery) -> Digest:
    return Digest(delivery.channel, delivery.until)
