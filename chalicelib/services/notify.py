"""Delivering alerts: recorded once, sent at least once, sent again only if a process dies between
publishing and marking, or the topic's answer is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.domain.alerts import Alert
from chalicelib.domain.detection import State
from chalicelib.domain.errors import Contended
from chalicelib.domain.messages import compose
from chalicelib.domain.times import to_text
from chalicelib.services.call_limits import PUBLISHING
from chalicelib.services.delivery.channel import Channel
from chalicelib.services.stores import AlertStore

CLAIM_AND_MARK = timedelta(seconds=8)
"""For the writes before and after a publish. A claim that took longer is renewed before it."""

CLAIMS = 3
"""Attempts to write a claim in time."""

LEASE = timedelta(seconds=PUBLISHING.longest_seconds) + CLAIM_AND_MARK
"""How long an alert stays claimed: longer than one publish can take."""

PARALLEL_SENDS = 8
"""Alerts of one symbol under way at once: each is put, published and marked by itself, and a topic
keeps no order. After as many failures no more are tried."""

MOST_LOST_SECONDS = 10.0
"""When publishes that failed took so long in all, an invocation tries no more: its symbols share
its time, and a topic that does not answer takes up to PUBLISHING.longest_seconds each time."""

Clock = Callable[[], datetime]


class Delivered(NamedTuple):
    """How many messages were sent, which alerts are left, in order, and what the first of them
    failed with."""

    sent: int
    left: tuple[Alert, ...] = ()
    error: Exception | None = None


class Sender:
    """One invocation: `owner` names it in claims."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._failures: list[tuple[float, Exception]] = []

    def failed(self, seconds: float, error: Exception) -> None:
        """Note a publish that failed after so many seconds."""
        self._failures.append((seconds, error))

    @property
    def given_up(self) -> Exception | None:
        """What the first publish failed with, where nothing more is to be tried."""
        failures = self._failures
        lost = sum(seconds for seconds, _ in failures)
        return failures[0][1] if lost >= MOST_LOST_SECONDS else None


class Notifier:
    """Puts each alert into the table and sends it, unless it is quiet."""

    def __init__(self, alerts: AlertStore, publisher: Channel, page_url: str, clock: Clock) -> None:
        self._alerts = alerts
        self._publisher = publisher
        self._page_url = page_url
        self._clock = clock

    def deliver(
        self, alerts: Iterable[Alert], sender: Sender, exchange_timezone: str | None
    ) -> Delivered:
        """Deliver all: what is quiet is recorded together, the others are sent several at a time.
        One that fails holds up none of the others, but after PARALLEL_SENDS failures, or where the
        sender has given up, the rest are recorded only. An alert that another invocation is sending
        just now fails with Contended."""
        waiting = list(alerts)
        errors: list[Exception] = []
        quiet = [alert for alert in waiting if alert.quiet]
        loud = [alert for alert in waiting if not alert.quiet]

        def one(alert: Alert) -> bool | None:
            try:
                if len(errors) < PARALLEL_SENDS and sender.given_up is None:
                    return self._one(alert, sender, exchange_timezone)
                self._alerts.record(alert)
            except Exception as error:  # noqa: BLE001 - given back, and raised or logged by detect
                errors.append(error)
            return None

        done: set[str] = set()
        try:
            self.record(quiet)
            done.update(alert.alert_id for alert in quiet)
        except Exception as error:  # noqa: BLE001 - as above
            errors.append(error)
        sent = _mapped(one, loud)
        done.update(a.alert_id for a, found in zip(loud, sent, strict=True) if found is not None)
        left = tuple(alert for alert in waiting if alert.alert_id not in done)
        first = errors[0] if errors else sender.given_up
        return Delivered(sum(filter(None, sent)), left, first if left else None)

    def drain(
        self, alerts: Sequence[Alert], sender: Sender, exchange_timezone: str | None
    ) -> Delivered:
        """Deliver those that another invocation has left undelivered: hardly ever any. So many as
        PARALLEL_SENDS are looked at together; where one of them is left, so are all behind."""
        sent = 0
        for at in range(0, len(alerts), PARALLEL_SENDS):
            some = alerts[at : at + PARALLEL_SENDS]
            waiting = [alert for alert in some if not self._alerts.is_settled(alert)]
            done = self.deliver(waiting, sender, exchange_timezone)
            sent += done.sent
            if done.left:
                return Delivered(sent, (*done.left, *alerts[at + len(some) :]), done.error)
        return Delivered(sent)

    def record(self, alerts: Iterable[Alert]) -> None:
        """Put alerts into the table: quiet ones, and those to be sent another time."""
        if waiting := tuple(alerts):
            self._alerts.record_all(waiting)

    def _one(self, alert: Alert, sender: Sender, exchange_timezone: str | None) -> bool:
        if not self._claim(alert, sender.owner):
            return False
        begun = self._clock()
        try:
            self._publisher.send(compose(alert, exchange_timezone, self._page_url))
        except Exception as error:
            sender.failed((self._clock() - begun).total_seconds(), error)
            self._alerts.release(alert, sender.owner)
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


def _mapped(one: Callable[[Alert], bool | None], alerts: Sequence[Alert]) -> list[bool | None]:
    """What comes of each alert; a single one in the caller's thread."""
    if len(alerts) < 2:
        return list(map(one, alerts))
    with ThreadPoolExecutor(min(PARALLEL_SENDS, len(alerts))) as pool:
        return list(pool.map(one, alerts))


class Delivery:
    """The alerts of a symbol in one invocation. Once one is left, no more of them are tried."""

    def __init__(self, notifier: Notifier, sender: Sender) -> None:
        self._notifier = notifier
        self._sender = sender
        self.sent = 0
        self.error: Exception | None = None

    def drain(self, state: State) -> tuple[Alert, ...]:
        """Deliver what is pending in a state; returns what is left."""
        if self.error is not None:
            return state.pending
        return self._left(self._notifier.drain(state.pending, self._sender, state.timezone))

    def deliver(self, alerts: Sequence[Alert], state: State) -> tuple[Alert, ...]:
        """Deliver new alerts of the symbol; returns what is left, which is recorded."""
        if self.error is None:
            return self._left(self._notifier.deliver(alerts, self._sender, state.timezone))
        self._notifier.record(alerts)
        return tuple(alerts)

    def _left(self, done: Delivered) -> tuple[Alert, ...]:
        self.sent += done.sent
        self.error = done.error
        return done.left
