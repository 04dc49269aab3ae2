"""Delivering alerts: sent at least once on each channel, and sent again only if a process dies
between sending and marking, or the channel's answer is lost."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import (
    MAX_ATTEMPTS,
    Delivery,
    Lasting,
    Passing,
    Retry,
    claim,
    ended,
    is_due,
    is_held,
    pause_seconds,
)
from chalicelib.domain.messages import Message, compose
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.delivery.channel import MAX_SEND_SECONDS, Channel
from chalicelib.services.delivery.directory import Channels
from chalicelib.services.delivery.pictures import Pictures
from chalicelib.services.delivery.stores import DeliveryStore, RetryQueue

log = logging.getLogger("ticktape.deliver")

PARALLEL_SENDS = 8
"""Attempts under way at once."""

CLAIM_AND_MARK = timedelta(seconds=8)
"""For the writes before and after an attempt. A claim that took half of it is written again."""

LEASE = timedelta(seconds=MAX_SEND_SECONDS) + CLAIM_AND_MARK
"""How long a claim lasts: longer than an attempt can take."""

CLAIMS = 3
"""Times that a claim is written, or looked for, in one invocation."""

MOST_FAILURES = 8
MOST_LOST_SECONDS = 10.0
"""Where a channel has failed so often, or for so long in all, an invocation tries it no more: its
other deliveries wait for the first pause."""

SLACK_SECONDS = 1.0
"""A request that comes so much too early is followed: clocks differ."""

GONE = "the channel has been deleted"

Result = Literal["sent", "retried", "dead", "deferred", "none"]


class Delivered(msgspec.Struct, frozen=True):
    """What came of a batch.

    `sent`, `retried` (failed, and to be tried again) and `dead` count attempts, `deferred` those
    that were put off without one. `failed` are the identifiers that have to come again.
    `pictures_failed` counts messages that went without their picture.
    """

    sent: int
    retried: int
    dead: int
    deferred: int
    failed: tuple[str, ...]
    pictures_failed: int = 0


class _Task(NamedTuple):
    """An attempt that is asked for; `stored` is None where the alert has yet to be read."""

    identifier: str
    retry: Retry
    stored: StoredAlert | None


class Deliver:
    """The service behind the alerts table's stream and the queue of retries."""

    def __init__(
        self,
        store: DeliveryStore,
        channels: Channels,
        retries: RetryQueue,
        page_url: str,
        clock: Callable[[], datetime],
        pictures: Callable[[], Pictures] | None = None,
    ) -> None:
        """`pictures` makes those of one invocation; without it messages have none."""
        self._store = store
        self._channels = channels
        self._retries = retries
        self._page_url = page_url
        self._clock = clock
        self._pictures = pictures

    def new(self, alerts: Sequence[tuple[str, StoredAlert]], deadline: float) -> Delivered:
        """Make the first attempt of each alert on each channel; alerts come with the identifiers of
        their records. No attempt begins that could last beyond `deadline` (time.monotonic): it is
        put off."""
        tasks = [
            _Task(identifier, _first(stored.alert, channel), stored)
            for identifier, stored in alerts
            for channel in self._channels.receivers(stored.alert)
        ]
        return self._all(tasks, deadline)

    def again(self, retries: Sequence[tuple[str, Retry]], deadline: float) -> Delivered:
        """Make the attempts that are asked for, as far as they are still due; requests come with
        the identifiers of their messages. `deadline` as above."""
        return self._all([_Task(name, retry, None) for name, retry in retries], deadline)

    def _all(self, tasks: Sequence[_Task], deadline: float) -> Delivered:
        turn = _Turn(deadline, self._pictures() if self._pictures else None)

        def one(task: _Task) -> Result | None:
            try:
                return self._one(task, turn)
            except Exception:
                # Reported to Lambda, which delivers again and at last keeps it.
                log.exception("an alert of %s is to come again", task.retry.symbol)
                return None

        results = _mapped(one, tasks)
        failed = [
            task.identifier for task, result in zip(tasks, results, strict=True) if not result
        ]
        return Delivered(
            sent=results.count("sent"),
            retried=results.count("retried"),
            dead=results.count("dead"),
            deferred=results.count("deferred"),
            failed=tuple(dict.fromkeys(failed)),
            pictures_failed=turn.pictures_failed,
        )

    def _one(self, task: _Task, turn: _Turn) -> Result | None:
        """Make an attempt if it is due and there is time; None if the request must come again."""
        retry = task.retry
        stored = task.stored or self._find(retry)
        if stored is None:
            return "none"
        found, now = stored.on(retry.channel), self._clock()
        if is_held(found, to_text(now)):
            return self._defer(retry, LEASE.total_seconds())
        if not is_due(found, retry):
            return "none"
        channel = self._channels.find(retry.channel)
        if channel is None:
            return self._gone(stored.alert, found, retry)
        early = _seconds_until(found, now)
        if early > SLACK_SECONDS:
            return self._defer(retry, early)
        if not turn.may_try(retry.channel):
            return self._defer(retry, pause_seconds(1, None, random.random()))  # noqa: S311 - jitter
        claimed = self._claim(stored.alert, retry.channel, found)
        if claimed is None or not turn.has_time:  # a claim that was slow may have used it up
            return self._refused(retry)
        return self._attempt(stored, claimed, retry, turn, channel)

    def _gone(self, alert: Alert, found: Delivery | None, retry: Retry) -> Result:
        """Mark a delivery on a channel that has been deleted; no attempt is made."""
        attempts = found.attempts if found else 0
        before = Delivery(channel=retry.channel, status="dead", attempts=attempts, at="")
        dead = ended(before, "dead", to_text(self._clock()), GONE)
        self._store.replace(alert, found, dead)
        return "none"

    def _find(self, retry: Retry) -> StoredAlert | None:
        return self._store.find(retry.symbol, retry.timestamp, retry.rule_id)

    def _defer(self, retry: Retry, seconds: float) -> Result | None:
        """Put the request off; one that `redrive` has found stays where it is."""
        if retry.dead:
            return None
        self._retries.put(retry, seconds)
        return "deferred"

    def _claim(self, alert: Alert, channel: str, found: Delivery | None) -> Delivery | None:
        """The claim, fresh enough to last for an attempt; None where another was faster, or where
        none was written in time."""
        before = found
        for _ in range(CLAIMS):
            begun = self._clock()
            claimed = claim(found, channel, to_text(begun), to_text(begun + LEASE))
            if not self._store.replace(alert, before, claimed):
                return None
            if self._clock() - begun <= CLAIM_AND_MARK / 2:
                return claimed
            before = claimed
        return None

    def _refused(self, retry: Retry) -> Result | None:
        """After a claim was not had: done, in other hands, or in one's own by a lost answer."""
        stored = self._find(retry)
        if stored is None:
            return "none"
        found = stored.on(retry.channel)
        if found is None and stored.notified_at:  # sent by a version that knew no deliveries
            return "none"
        if found is not None and not is_due(found, retry):
            return "none"
        return self._defer(retry, LEASE.total_seconds())

    def _attempt(
        self, stored: StoredAlert, claimed: Delivery, retry: Retry, turn: _Turn, channel: Channel
    ) -> Result | None:
        begun = self._clock()
        try:
            message = compose(stored.alert, stored.exchange_timezone, self._page_url)
            channel.send(turn.illustrated(message, stored, claimed))
        except Lasting as error:
            return self._bury(stored.alert, claimed, retry, error.reason)
        except Passing as error:
            failure = error
        except Exception as error:
            log.exception("channel %s failed on an alert of %s", claimed.channel, retry.symbol)
            failure = Passing(type(error).__name__)
        else:
            self._store.replace(
                stored.alert, claimed, ended(claimed, "sent", to_text(self._clock()))
            )
            return "sent"
        turn.failed(claimed.channel, (self._clock() - begun).total_seconds())
        return self._retry(stored.alert, claimed, retry, failure)

    def _retry(
        self, alert: Alert, claimed: Delivery, retry: Retry, error: Passing
    ) -> Result | None:
        """Ask for the next attempt, unless this was the last one. The request goes out before the
        mark: if the process dies between them, its own request comes again."""
        following = _next(retry, claimed)
        made = following.attempts - following.since
        if made >= MAX_ATTEMPTS:
            return self._bury(alert, claimed, retry, error.reason)
        pause = pause_seconds(made, error.retry_after, random.random())  # noqa: S311 - jitter
        self._retries.put(following, pause)
        now = self._clock()
        waiting = ended(claimed, "waiting", to_text(now), error.reason)
        until = to_text(now + timedelta(seconds=pause))
        self._store.replace(alert, claimed, msgspec.structs.replace(waiting, until=until))
        log.warning("%s: %s; next attempt in %.0f s", claimed.channel, error.reason, pause)
        return "retried"

    def _bury(self, alert: Alert, claimed: Delivery, retry: Retry, reason: str) -> Result | None:
        """Keep the request where `redrive` finds it, and mark the delivery as dead. A request that
        `redrive` has found stays where it is."""
        if not retry.dead:
            self._retries.bury(_next(retry, claimed), reason)
        dead = ended(claimed, "dead", to_text(self._clock()), reason)
        self._store.replace(alert, claimed, dead)
        log.error("%s: %s; no further attempt", claimed.channel, reason)
        return None if retry.dead else "dead"


class _Turn:
    """One invocation: until when attempts may begin, and which channels fail."""

    def __init__(self, deadline: float, pictures: Pictures | None) -> None:
        self._latest = deadline - MAX_SEND_SECONDS
        self._pictures = pictures
        self._lock = threading.Lock()
        self._failures: dict[str, list[float]] = {}

    @property
    def pictures_failed(self) -> int:
        """Return how many times a message went without the picture that it should have had."""
        return self._pictures.failed if self._pictures else 0

    def illustrated(self, message: Message, stored: StoredAlert, claimed: Delivery) -> Message:
        """Return a message with what draws its picture for a channel that takes one."""
        if self._pictures is None:
            return message
        picture = self._pictures.of(stored, claimed.attempts)
        return msgspec.structs.replace(message, picture=picture)

    @property
    def has_time(self) -> bool:
        """Return whether an attempt that begins now ends before the deadline."""
        return time.monotonic() < self._latest

    def may_try(self, channel: str) -> bool:
        """Return whether an attempt may begin now."""
        if not self.has_time:
            return False
        lost = self._failures.get(channel, ())
        return len(lost) < MOST_FAILURES and sum(lost) < MOST_LOST_SECONDS

    def failed(self, channel: str, seconds: float) -> None:
        """Note an attempt that failed, and how long it took."""
        with self._lock:
            self._failures[channel] = [*self._failures.get(channel, ()), seconds]


def _first(alert: Alert, channel: str) -> Retry:
    return Retry(
        symbol=alert.symbol, timestamp=alert.timestamp, rule_id=alert.rule_id, channel=channel
    )


def _next(retry: Retry, claimed: Delivery) -> Retry:
    """Return the request that follows an attempt. One for a dead delivery has begun a new round."""
    since = claimed.attempts - 1 if retry.dead else retry.since
    return msgspec.structs.replace(retry, attempts=claimed.attempts, since=since, dead=False)


def _seconds_until(found: Delivery | None, now: datetime) -> float:
    """Return how long a delivery that waits has yet to wait; 0 for others."""
    if found is None or found.status != "waiting":
        return 0.0
    return (from_text(found.until) - now).total_seconds()


def _mapped(one: Callable[[_Task], Result | None], tasks: Sequence[_Task]) -> list[Result | None]:
    """Return what comes of each task; run a single one in the caller's thread."""
    if len(tasks) < 2:
        return list(map(one, tasks))
    with ThreadPoolExecutor(min(PARALLEL_SENDS, len(tasks))) as pool:
        return list(pool.map(one, tasks))
