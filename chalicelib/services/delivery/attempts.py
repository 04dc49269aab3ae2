"""Attempts of deliveries, and what follows from each: a mark, the next attempt, or the end."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.domain.breakers import Breakers
from chalicelib.domain.deliveries import (
    MAX_ATTEMPTS,
    Delivery,
    Lasting,
    Passing,
    Retry,
    ended,
    pause_seconds,
)
from chalicelib.domain.messages import Message
from chalicelib.domain.times import to_text
from chalicelib.services.delivery.budget import RetryBudget
from chalicelib.services.delivery.channel import Channel
from chalicelib.services.delivery.claims import Claims
from chalicelib.services.delivery.stores import DeliveryStore, RetryQueue
from chalicelib.services.delivery.tasks import Result, Turn, following_request
from chalicelib.services.delivery.time_budget import TimeBudget

log = logging.getLogger("ticktape.deliver")

NOT_TRIED = "not tried: the channel failed or took too long before"


def pause(made: int, retry_after: float | None = None) -> float:
    """Return the seconds until the next attempt after `made` attempts; see pause_seconds."""
    return pause_seconds(made, retry_after, random.random())  # noqa: S311 - jitter


class Attempts:
    """Makes the attempts of a container, which share its breakers."""

    def __init__(
        self,
        store: DeliveryStore,
        claims: Claims,
        retries: RetryQueue,
        retry_budget: RetryBudget,
        time_budget: TimeBudget,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._claims = claims
        self._retries = retries
        self._retry_budget = retry_budget
        self._time_budget = time_budget
        self._clock = clock
        self._breakers = Breakers(lambda: clock().timestamp())

    def hindrance(self, channel: str) -> Literal["unsent", "slow"] | None:
        """Return why no attempt may begin on a channel; None if one may."""
        if self._breakers.is_open(channel):
            return "unsent"
        return None if self._time_budget.has_time(channel) else "slow"

    def make(
        self,
        message: Callable[[], Message],
        claimed: Delivery,
        retry: Retry,
        turn: Turn,
        channel: Channel,
    ) -> Result | None:
        """Send a message on a claimed delivery; return what came of it, None if the request must
        come again."""
        name = claimed.channel
        if not self._breakers.lets_through(name):
            return self.retry(claimed, retry, Passing(NOT_TRIED))
        begun = self._clock()
        try:
            with self._time_budget.attempt(name):
                channel.send(message())
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

    def _seconds_since(self, begun: datetime) -> float:
        return (self._clock() - begun).total_seconds()

    def retry(self, claimed: Delivery, retry: Retry, error: Passing) -> Result | None:
        """Ask for the next attempt, unless this was the last one. The request goes out before the
        mark: if the process dies between them, its own request comes again."""
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
        """Keep the request where `redrive` finds it, and mark the delivery as dead. A request that
        `redrive` has found stays where it is."""
        if not retry.dead:
            self._retries.bury(following_request(retry, claimed), reason)
        dead = ended(claimed, "dead", to_text(self._clock()), reason)
        self._store.replace(retry, claimed, dead)
        log.error("%s: %s; no further attempt", claimed.channel, reason)
        return None if retry.dead else "dead"
