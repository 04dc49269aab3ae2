"""The tasks of `deliver`, and the invocation that carries them out. A task is a requested
attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import Delivery, Retry
from chalicelib.domain.digests import HEAD, Digest
from chalicelib.domain.messages import Message
from chalicelib.domain.times import from_text
from chalicelib.services.delivery.channel import MAX_SEND_SECONDS
from chalicelib.services.delivery.pictures import Pictures

MOST_FAILURES = 8
MOST_LOST_SECONDS = 10.0
"""An invocation stops trying a channel after MOST_FAILURES failures, or after failures that took
MOST_LOST_SECONDS. The channel's other deliveries are put off by the length of the first pause."""

HOLDING_SECONDS = 3.0
"""The time reserved at the end of an invocation for holding alerts that it could not send."""

Result = Literal["sent", "retried", "dead", "deferred", "held", "none", "unsent", "slow"]
"""The outcome of a task; see Delivered. "none": the attempt is not due. The alert is to be held if
its channel failed ("unsent") or if channels took too long ("slow")."""


class Delivered(msgspec.Struct, frozen=True):
    """The result of a batch.

    Attempts are counted by result: `sent`, `retried` (failed and to be tried again), `dead` (failed
    for good) and `deferred` (put off). `held` counts the alerts put into digests. `failed` has the
    identifiers of records or messages that must be delivered again. `pictures_failed` counts
    messages that went without their picture.
    """

    sent: int
    retried: int
    dead: int
    deferred: int
    failed: tuple[str, ...]
    pictures_failed: int = 0
    held: int = 0


class Task(NamedTuple):
    """A requested attempt. `stored` is the alert of a first attempt. For a further attempt it is
    None: the alert has yet to be read. If the task fails, all of its identifiers are reported."""

    identifiers: tuple[str, ...]
    retry: Retry
    stored: StoredAlert | None


class Turn:
    """One invocation. It knows until when attempts may begin, and which channels keep failing."""

    def __init__(
        self, deadline: float, monotonic: Callable[[], float], pictures: Pictures | None = None
    ) -> None:
        self._deadline = deadline
        self._latest = deadline - MAX_SEND_SECONDS - HOLDING_SECONDS
        self._monotonic = monotonic
        self._pictures = pictures
        self._lock = threading.Lock()
        self._failures: dict[str, int] = {}
        self._lost: dict[str, float] = {}
        self.one_digest = threading.Lock()
        """A lock for claiming and reading a digest. A large digest takes a second of CPU time."""

    @property
    def pictures_failed(self) -> int:
        """Return how many messages were sent without the picture that they should have had."""
        return self._pictures.failed if self._pictures else 0

    def illustrated(self, message: Message, stored: StoredAlert, claimed: Delivery) -> Message:
        """Return the message with a function that draws its picture, if the stage has pictures."""
        if self._pictures is None:
            return message
        picture = self._pictures.of(stored, claimed.attempts)
        return msgspec.structs.replace(message, picture=picture)

    @property
    def has_time(self) -> bool:
        """Return whether an attempt may begin now and leave enough time to hold alerts."""
        return self._monotonic() < self._latest

    @property
    def may_hold(self) -> bool:
        """Return whether alerts may still be put into digests."""
        return self._monotonic() < self._deadline

    def may_try(self, channel: str) -> bool:
        """Return whether an attempt on a channel may begin now."""
        return (
            self.has_time
            and self._failures.get(channel, 0) < MOST_FAILURES
            and self._lost.get(channel, 0.0) < MOST_LOST_SECONDS
        )

    def failed(self, channel: str, seconds: float) -> None:
        """Record that an attempt on a channel has failed, and how long it took."""
        with self._lock:
            self._failures[channel] = self._failures.get(channel, 0) + 1
            self._lost[channel] = self._lost.get(channel, 0.0) + seconds


def distinct(
    alerts: Sequence[tuple[str, StoredAlert]],
) -> list[tuple[tuple[str, ...], StoredAlert]]:
    """Return each alert once, as in its last record, with the identifiers of all its records. A
    record may come twice, and a deleted alert may be raised again."""
    identifiers: dict[str, list[str]] = {}
    last: dict[str, StoredAlert] = {}
    for identifier, stored in alerts:
        alert_id = stored.alert.alert_id
        identifiers.setdefault(alert_id, []).append(identifier)
        last[alert_id] = stored
    return [(tuple(identifiers[alert_id]), stored) for alert_id, stored in last.items()]


def first_request(alert: Alert, channel: str) -> Retry:
    """Return the request for the first attempt of an alert on a channel."""
    return Retry(
        symbol=alert.symbol, timestamp=alert.timestamp, rule_id=alert.rule_id, channel=channel
    )


def request_of(digest: Digest) -> Retry:
    """Return the request that sends a digest."""
    return Retry(
        symbol=digest.symbol, timestamp=digest.timestamp, rule_id=HEAD, channel=digest.channel
    )


def following_request(retry: Retry, claimed: Delivery) -> Retry:
    """Return the request for the attempt after a claimed one. If the request came from `redrive`,
    the count of attempts starts again with the claimed one."""
    if retry.dead:
        retry = msgspec.structs.replace(retry, since=claimed.attempts - 1, postponed="")
    return msgspec.structs.replace(retry, attempts=claimed.attempts, dead=False)


def seconds_until(found: Delivery | None, now: datetime) -> float:
    """Return the seconds until a waiting delivery is due, negative if overdue; 0 for others."""
    if found is None or found.status != "waiting":
        return 0.0
    return (from_text(found.until) - now).total_seconds()
