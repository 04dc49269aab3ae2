"""Delivering alerts: recorded once, sent at least once, sent again only if a process dies between
publishing and marking, or the topic's answer is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from chalicelib.domain.alerts import Alert
from chalicelib.domain.errors import Contended
from chalicelib.domain.messages import compose
from chalicelib.domain.times import to_text
from chalicelib.services.call_limits import PUBLISHING
from chalicelib.services.stores import AlertStore, Publisher

CLAIM_AND_MARK = timedelta(seconds=8)
"""For the writes before and after a publish. A claim that took longer is renewed before it."""

CLAIMS = 3
"""Attempts to write a claim in time."""

LEASE = timedelta(seconds=PUBLISHING.longest_seconds) + CLAIM_AND_MARK
"""How long an alert stays claimed: longer than one publish can take."""

PARALLEL_SENDS = 8
"""Alerts of one symbol under way at once: each is put, published and marked by itself, and a topic
keeps no order."""

Clock = Callable[[], datetime]


class Notifier:
    """Puts each alert into the table and sends it, unless it is quiet."""

    def __init__(
        self, alerts: AlertStore, publisher: Publisher, page_url: str, clock: Clock
    ) -> None:
        self._alerts = alerts
        self._publisher = publisher
        self._page_url = page_url
        self._clock = clock

    def deliver(self, alerts: Iterable[Alert], owner: str, exchange_timezone: str | None) -> int:
        """Deliver all, several at a time; returns how many messages were sent.

        Raises Contended where another invocation is sending one of them just now, or what else one
        failed with, after all the others were tried.
        """
        waiting = list(alerts)

        def one(alert: Alert) -> bool:
            return self._one(alert, owner, exchange_timezone)

        if len(waiting) < 2:
            return sum(map(one, waiting))
        with ThreadPoolExecutor(min(PARALLEL_SENDS, len(waiting))) as pool:
            sent = [pool.submit(one, alert) for alert in waiting]
        return sum(future.result() for future in sent)

    def drain(self, alerts: Iterable[Alert], owner: str, exchange_timezone: str | None) -> int:
        """Deliver those that another invocation has left undelivered: hardly ever any."""
        left = [alert for alert in alerts if not self._alerts.is_settled(alert)]
        return self.deliver(left, owner, exchange_timezone)

    def _one(self, alert: Alert, owner: str, exchange_timezone: str | None) -> bool:
        if alert.quiet:
            self._alerts.record(alert)
            return False
        if not self._claim(alert, owner):
            return False
        try:
            self._publisher.publish(compose(alert, exchange_timezone, self._page_url))
        except Exception:
            self._alerts.release(alert, owner)
            raise
        self._alerts.mark_sent(alert, to_text(self._clock()))
        return True

    def _claim(self, alert: Alert, owner: str) -> bool:
        """Claim the alert so that the lease covers a publish from now on; False where it was sent.

        Raises Contended where another invocation holds it, or where no claim is written in time.
        """
        for _ in range(CLAIMS):
            begun = self._clock()
            if not self._alerts.claim(alert, owner, to_text(begun), to_text(begun + LEASE)):
                return False
            if self._clock() - begun <= CLAIM_AND_MARK / 2:
                return True
        self._alerts.release(alert, owner)
        raise Contended(f"alert {alert.alert_id} could not be claimed in time")
