"""Make receipts of alerts. A receipt tells the outcome of an alert on one of its channels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.deliveries import Delivery
from chalicelib.domain.digests import Digest, Receipt, StoredDigest, receipt

MOST_HEADS = 500
"""The most digests that are read for one answer, with five requests."""


Heads = Callable[[Collection[Digest]], Mapping[Digest, StoredDigest]]
"""A function that returns the stored heads of digests, leaving out digests that are not stored."""


def receipts(heads: Heads, alerts: Sequence[StoredAlert]) -> list[tuple[Receipt, ...]]:
    """Return the receipts of each alert, one for each of its deliveries. If an alert was held, its
    receipt is that of its digest. Each digest is read once for all of its alerts."""
    wanted = {_digest(one) for alert in alerts for one in alert.deliveries if one.status == "held"}
    found = heads(wanted) if wanted else {}
    return [
        tuple(receipt(one, found.get(_digest(one))) for one in alert.deliveries) for alert in alerts
    ]


def readable(alerts: Sequence[StoredAlert]) -> Sequence[StoredAlert]:
    """Return as many of the first alerts as are held in at most MOST_HEADS digests. At least one
    alert is returned, unless `alerts` is empty."""
    wanted: set[Digest] = set()
    for number, alert in enumerate(alerts):
        wanted |= {_digest(one) for one in alert.deliveries if one.status == "held"}
        if number and len(wanted) > MOST_HEADS:
            return alerts[:number]
    return alerts


def _digest(delivery: Delivery) -> Digest:
    return Digest(delivery.channel, delivery.until)
