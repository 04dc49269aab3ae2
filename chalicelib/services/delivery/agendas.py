"""Put the timers of digests. A digest that is due soon has a timer of its own. The other digests
wait in the agenda of their channel. An agenda has one timer for all its digests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.agendas import (
    MARGIN_SECONDS,
    REACH_SECONDS,
    STEP_SECONDS,
    is_ahead,
    timer_of,
)
from chalicelib.domain.deliveries import Retry
from chalicelib.domain.digests import Digest
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.delivery.stores import AgendaStore, RetryQueue
from chalicelib.services.delivery.tasks import Result, Turn, request_of

SLACK_SECONDS = 1.0
"""A request is carried out if it comes early by at most this time, since clocks differ."""

_END = "~"
"""A text that sorts after every instant."""

_NO_TIME_SECONDS = 5.0
"""How long a timer is put off if the invocation has no time to act on it."""


class Agendas:
    """Puts the timers of digests into the queue, and acts on the timers of agendas."""

    def __init__(
        self, store: AgendaStore, retries: RetryQueue, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._retries = retries
        self._clock = clock

    def put_timer(self, digest: Digest) -> None:
        """Put a message into the queue that later causes a digest to be sent. A digest that is due
        soon gets its own timer. Any other is added to its channel's agenda, which has a timer."""
        seconds = self._seconds_until(digest.until)
        if seconds <= REACH_SECONDS:
            self._retries.put(request_of(digest), seconds)
            return
        self._store.enter(digest)
        noted = self._store.timer_at(digest.channel)
        # The clock is read last: the timer's message, if it is still to come, finds the digest.
        if noted is None or not is_ahead(noted, self._clock(), MARGIN_SECONDS):
            self._put_next(digest.channel)

    def follow(self, retry: Retry, turn: Turn, *, is_gone: bool) -> Result:
        """Act on the timer of a channel's agenda: put timers for the digests that are due soon. Put
        the agenda's timer again if other digests wait. If the channel `is_gone`, put requests for
        all of its digests now, which ends them.

        Return "deferred" if the agenda's timer was put again. Return "none" if no digest waits, or
        if a later timer of the agenda is in the queue.
        """
        channel, at, now = retry.channel, retry.timestamp, self._clock()
        if is_ahead(at, now, SLACK_SECONDS):
            self._retries.put(retry, self._seconds_until(at))
            return "deferred"
        reach = _END if is_gone else to_text(now + timedelta(seconds=REACH_SECONDS))
        is_empty = True
        for digest in self._store.waiting(channel):
            if digest.until > reach:
                is_empty = False
                break
            if not turn.has_time:
                self._retries.put(retry, _NO_TIME_SECONDS)
                return "deferred"
            seconds = 0.0 if is_gone else self._seconds_until(digest.until)
            self._retries.put(request_of(digest), seconds)
            self._store.leave(digest)  # after its timer: a process may die between them
        if is_empty or self._is_behind(channel, at):
            return "none"
        self._put_next(channel)
        return "deferred"

    def _is_behind(self, channel: str, at: str) -> bool:
        """Return whether the queue has a timer of the agenda that is due later than `at`."""
        noted = self._store.timer_at(channel)
        latest = self._clock() + timedelta(seconds=STEP_SECONDS + MARGIN_SECONDS)
        return noted is not None and at < noted <= to_text(latest)

    def _put_next(self, channel: str) -> None:
        at = to_text(self._clock() + timedelta(seconds=STEP_SECONDS))
        self._retries.put(timer_of(channel, at), STEP_SECONDS)
        self._store.note_timer(channel, at)  # last: others rely on a noted timer

    def _seconds_until(self, at: str) -> float:
        return (from_text(at) - self._clock()).total_seconds()
