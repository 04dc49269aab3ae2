"""Claim deliveries. A claim is written before an attempt and keeps other invocations from making
the same attempt. After the attempt, the delivery's new status replaces the claim."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.deliveries import Delivery, Retry, claim, ended
from chalicelib.domain.digests import StoredDigest
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.delivery.channel import MAX_SEND_SECONDS
from chalicelib.services.delivery.stores import DeliveryStore

log = logging.getLogger("ticktape.deliver")

CLAIM_AND_MARK = timedelta(seconds=8)
"""The time for the writes before and after an attempt. A claim is written again if writing it took
more than half of this time."""

LEASE = timedelta(seconds=MAX_SEND_SECONDS) + CLAIM_AND_MARK
"""How long a claim lasts. This is longer than an attempt can take."""

MOST_CLAIMS = 3
"""How often an invocation writes a claim, or tries to mark a delivery as sent."""


class Claims:
    """Finds, claims and marks the deliveries of alerts and digests."""

    def __init__(self, store: DeliveryStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def find(self, retry: Retry) -> StoredAlert | StoredDigest | None:
        """Return the alert or the digest that a request names; None if it is not stored."""
        return self._store.find(retry.symbol, retry.timestamp, retry.rule_id)

    def members_of(self, retry: Retry) -> int:
        """Return the number of members of a closed digest; 0 if the digest is gone."""
        stored = self.find(retry)
        return stored.members if isinstance(stored, StoredDigest) else 0

    def claim(self, retry: Retry, found: Delivery | None) -> Delivery | None:
        """Claim a delivery that is stored as `found`. Return a claim that is fresh enough to last
        for an attempt. Return None if another invocation was faster, or if writing was too slow."""
        before = found
        for _ in range(MOST_CLAIMS):
            begun = self._clock()
            claimed = claim(found, retry.channel, to_text(begun), to_text(begun + LEASE))
            if not self._store.replace(retry, before, claimed):
                return None
            if self._clock() - begun <= CLAIM_AND_MARK / 2:
                return claimed
            before = claimed
        return None

    def renewed(self, retry: Retry, claimed: Delivery) -> Delivery | None:
        """Return a claim that lasts for an attempt. If `claimed` is too old, for example after
        reading a digest, write it again. Return None if another invocation was faster."""
        now = self._clock()
        if now - from_text(claimed.at) <= CLAIM_AND_MARK / 2:
            return claimed
        fresh = msgspec.structs.replace(claimed, at=to_text(now), until=to_text(now + LEASE))
        return fresh if self._store.replace(retry, claimed, fresh) else None

    def mark_sent(self, retry: Retry, claimed: Delivery) -> None:
        """Mark a delivery as sent, even if another invocation has claimed it meanwhile. Clocks
        differ, and the other invocation may die before it marks the delivery."""
        before = claimed
        for _ in range(MOST_CLAIMS):
            if self._store.replace(retry, before, ended(before, "sent", to_text(self._clock()))):
                return
            stored = self.find(retry)
            found = stored.on(retry.channel) if stored else None
            if found is None or found.status == "sent":
                return
            before = found
        log.warning("%s: an alert of %s was sent and is not marked", retry.channel, retry.symbol)
