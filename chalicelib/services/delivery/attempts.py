"""Make attempts of deliveries, and then mark the delivery, request the next attempt, or give up."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.breakers import Breakers
from chalicelib.domain.deliveries import (
    LONGEST_PAUSE_OF_DIGESTS_SECONDS,
    LONGEST_PAUSE_OF_QUICK_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MAX_ATTEMPTS,
    MAX_POSTPONED_SECONDS,
    Delivery,
    Lasting,
    Passing,
    Retry,
    ended,
    pause_seconds,
    postponed_pause_seconds,
    postponed_request,
)
from chalicelib.domain.digests import StoredDigest, digest_of
from chalicelib.domain.holding import passes
from chalicelib.domain.messages import Message
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.delivery.budget import RetryBudget
from chalicelib.services.delivery.channel import Channel
from chalicelib.services.delivery.claims import Claims
from chalicelib.services.delivery.directory import Channels
from chalicelib.services.delivery.stores import DeliveryStore, RetryQueue
from chalicelib.services.delivery.tasks import Result, Turn, following_request
from chalicelib.services.delivery.time_budget import Attempt, TimeBudget

log = logging.getLogger("ticktape.deliver")

NOT_TRIED = "not tried: the channel failed before"
POSTPONED = "not tried yet: channels took too long"
NEVER_TRIED = "not tried for a day: channels took too long"


def pause(made: int, retry_after: float | None = None) -> float:
    """Return the seconds to wait after attempt number `made`; see pause_seconds."""
    return pause_seconds(made, retry_after, random.random())  # noqa: S311 - jitter


class Attempts:
    """Makes all attempts of a container. The attempts share circuit breakers and budgets."""

    def __init__(
        self,
        store: DeliveryStore,
        channels: Channels,
        claims: Claims,
        retries: RetryQueue,
        retry_budget: RetryBudget,
        time_budget: TimeBudget,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._channels = channels
        self._claims = claims
        self._retries = retries
        self._retry_budget = retry_budget
        self._time_budget = time_budget
        self._clock = clock
        self._breakers = Breakers(lambda: clock().timestamp())

    def hindrance(
        self, channel: str, stored: StoredAlert | StoredDigest
    ) -> Literal["unsent", "slow"] | None:
        """Return why an attempt may not begin, or None: "unsent" if the channel keeps failing,
        "slow" if its time is used up. Digests and urgent alerts have more time than others."""
        if self._breakers.is_open(channel):
            return "unsent"
        is_established = self._channels.is_established(channel, self._clock())
        is_urgent = isinstance(stored, StoredDigest) or passes(stored.alert)
        has_time = self._time_budget.has_time(
            channel, is_established=is_established, is_urgent=is_urgent
        )
        return None if has_time else "slow"

    def prepare(self, channel: Channel) -> None:
        """Let a channel load what its first send needs. The time of the attempt then does not
        include loading. Errors are ignored."""
        with suppress(Exception):  # the attempt raises it again
            channel.prepare()

    def postpone(self, found: Delivery | None, retry: Retry) -> Result | None:
        """Put off an attempt for lack of time and return "deferred". This does not count as an
        attempt. After MAX_POSTPONED_SECONDS the delivery is marked as dead instead. The request is
        put before the delivery is marked, as in `retry`."""
        now = self._clock()
        request = postponed_request(retry, found, to_text(now))
        waited = (now - from_text(request.postponed)).total_seconds()
        if found and waited >= MAX_POSTPONED_SECONDS:
            return self._bury(found, request, NEVER_TRIED)
        longest = self._longest_pause(retry, now)
        seconds = postponed_pause_seconds(waited, longest, random.random())  # noqa: S311 - jitter
        self._retries.put(request, seconds)
        before = found or Delivery(
            channel=retry.channel, status="waiting", attempts=0, at=to_text(now)
        )
        until = to_text(now + timedelta(seconds=seconds))
        waiting = msgspec.structs.replace(before, status="waiting", error=POSTPONED, until=until)
        self._store.replace(retry, found, waiting)
        return "deferred"

    def _longest_pause(self, retry: Retry, now: datetime) -> float:
        if not self._time_budget.is_quick(retry.channel):
            return LONGEST_PAUSE_SECONDS
        is_known = self._channels.is_established(retry.channel, now)
        if is_known and digest_of(retry.symbol):
            return LONGEST_PAUSE_OF_DIGESTS_SECONDS
        return LONGEST_PAUSE_OF_QUICK_SECONDS

    def make(
        self,
        message: Callable[[], Message],
        claimed: Delivery,
        retry: Retry,
        turn: Turn,
        channel: Channel,
    ) -> Result | None:
        """Send the message of a claimed delivery and return "sent". After a lasting failure return
        "dead". After a passing failure return the result of `retry`. Return None if the request
        must be delivered again."""
        name = claimed.channel
        if not self._breakers.lets_through(name):
            return self.retry(claimed, retry, Passing(NOT_TRIED))
        begun = self._clock()
        try:
            with self._time_budget.attempt(name) as attempt:
                channel.send(self._excusing(attempt, message()))
        except Lasting as error:
            self._breakers.refused(name, self._seconds_since(begun))
            return self._bury(claimed, retry, error.reason)
        except Passing as error:
            failure = error
        except Exception as error:
            log.exception("channel %s failed on an alert of %s", name, retry.symbol)
            failure = Passing(type(error).__name__)
        else:
            self._breakers.succeeded(name)
            self._claims.mark_sent(retry, claimed)
            return "sent"
        seconds = self._seconds_since(begun)
        self._breakers.failed(name, seconds)
        turn.failed(name, seconds)
        return self.retry(claimed, retry, failure)

    def _excusing(self, attempt: Attempt, message: Message) -> Message:
        """Return the message with a picture. Drawing it does not count as time of the attempt."""
        draw = message.picture
        if draw is None:
            return message

        def picture() -> bytes | None:
            begun = self._clock()
            try:
                return draw()
            finally:
                attempt.excused += self._seconds_since(begun)

        return msgspec.structs.replace(message, picture=picture)

    def _seconds_since(self, begun: datetime) -> float:
        return (self._clock() - begun).total_seconds()

    def retry(self, claimed: Delivery, retry: Retry, error: Passing) -> Result | None:
        """Request the next attempt and return "retried". If no attempt is left, mark the delivery
        as dead. The next request is put before the delivery is marked. If the process dies in
        between, the present request is delivered again."""
        following = following_request(retry, claimed)
        made = following.attempts - following.since
        if made >= MAX_ATTEMPTS:
            return self._bury(claimed, retry, error.reason)
        seconds = pause(made, error.retry_after)
        self._retries.put(following, seconds)
        now = self._clock()
        if not retry.attempts:
            self._retry_budget.take(retry.channel, now)
        waiting = ended(claimed, "waiting", to_text(now), error.reason)
        until = to_text(now + timedelta(seconds=seconds))
        self._store.replace(retry, claimed, msgspec.structs.replace(waiting, until=until))
        log.warning("%s: %s; next attempt in %.0f s", claimed.channel, error.reason, seconds)
        return "retried"

    def _bury(self, claimed: Delivery, retry: Retry, reason: str) -> Result | None:
        """Keep the request for `redrive`, mark the delivery as dead, and return "dead". Return None
        if the request came from `redrive`, since it is still kept there."""
        if not retry.dead:
            self._retries.bury(following_request(retry, claimed), reason)
        dead = ended(claimed, "dead", to_text(self._clock()), reason)
        self._store.replace(retry, claimed, dead)
        log.error("%s: %s; no further attempt", claimed.channel, reason)
        return None if retry.dead else "dead"
