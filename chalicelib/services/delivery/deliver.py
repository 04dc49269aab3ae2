"""Deliver alerts, each at least once on each of its channels. An alert is sent twice in two cases
only: a process dies between sending and marking, or the channel's answer is lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice

from chalicelib.domain.agendas import is_timer
from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.deliveries import (
    Delivery,
    Passing,
    Retry,
    ended,
    is_claimed,
    is_due,
)
from chalicelib.domain.digest_messages import MOST_MEMBERS, compose_digest
from chalicelib.domain.digests import EMPTY, EXPIRED, Digest, Member, StoredDigest, digest_of
from chalicelib.domain.holding import passes
from chalicelib.domain.messages import Message, compose
from chalicelib.domain.mute_links import mute_line
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.delivery.agendas import SLACK_SECONDS, Agendas
from chalicelib.services.delivery.attempts import NOT_TRIED, Attempts, pause
from chalicelib.services.delivery.budget import MESSAGES, MessageBound, RetryBudget
from chalicelib.services.delivery.channel import Channel
from chalicelib.services.delivery.claims import LEASE, Claims
from chalicelib.services.delivery.directory import Channels
from chalicelib.services.delivery.holder import TOO_SLOW, UNSENT, Holder, Outcome
from chalicelib.services.delivery.lanes import in_lanes
from chalicelib.services.delivery.pictures import Pictures
from chalicelib.services.delivery.stores import DeliveryStore, DigestStore, RetryQueue
from chalicelib.services.delivery.tasks import (
    Delivered,
    Result,
    Task,
    Turn,
    distinct,
    first_request,
    seconds_until,
)
from chalicelib.services.delivery.time_budget import TimeBudget

log = logging.getLogger("ticktape.deliver")

GONE = "the channel has been deleted"
UNREAD = "its alerts could not be read in time"


class Deliver:
    """The service that handles the alerts table's stream and the queue of retries."""

    def __init__(
        self,
        store: DeliveryStore,
        channels: Channels,
        retries: RetryQueue,
        page_url: str,
        clock: Callable[[], datetime],
        digests: DigestStore,
        pictures: Callable[[], Pictures] | None = None,
        link_key: bytes = b"",
        messages: MessageBound = MESSAGES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pictures` returns the pictures of one invocation; if it is None, messages have no
        pictures. `link_key` signs the mute links in messages; if it is empty, messages have no
        links. Deadlines are times of `monotonic`."""
        self._store = store
        self._digests = digests
        self._agendas = Agendas(digests.agendas, retries, clock)
        self._holder = Holder(store, digests, channels, self._agendas, clock, messages)
        self._retry_budget = RetryBudget(retries.depth)
        self._channels = channels
        self._retries = retries
        self._page_url = page_url
        self._clock = clock
        self._pictures = pictures
        self._claims = Claims(store, clock)
        budgets = self._retry_budget, TimeBudget(lambda: clock().timestamp())
        self._attempts = Attempts(store, channels, self._claims, retries, *budgets, clock)
        self._monotonic = monotonic
        self._link_key = link_key

    def new(self, alerts: Sequence[tuple[str, StoredAlert]], deadline: float) -> Delivered:
        """Make the first attempt of each alert on each channel that does not hold the alert back.
        Urgent alerts come first. `alerts` pairs the identifier of a record with its alert. An alert
        that comes twice is sent once. An attempt that could last beyond `deadline` (of `monotonic`)
        is put off."""
        tasks = [
            Task(identifiers, first_request(stored.alert, channel), stored)
            for identifiers, stored in distinct(alerts)
            for channel in self._channels.receivers(stored.alert)
        ]
        tasks.sort(key=lambda task: not (task.stored and passes(task.stored.alert)))
        turn = self._turn(deadline)
        return self._all(tasks, self._holder.outcomes(tasks, turn), turn)

    def again(self, retries: Sequence[tuple[str, Retry]], deadline: float) -> Delivered:
        """Make the requested attempts that are still due. Those of digests and agendas come first.
        `retries` pairs the identifier of a message with its request. `deadline` is as in `new`."""
        tasks = [Task((name,), retry, None) for name, retry in retries]
        tasks.sort(key=lambda task: not is_timer(task.retry) and not digest_of(task.retry.symbol))
        return self._all(tasks, ["send"] * len(tasks), self._turn(deadline))

    def _turn(self, deadline: float) -> Turn:
        return Turn(deadline, self._monotonic, self._pictures() if self._pictures else None)

    def _all(self, tasks: Sequence[Task], outcomes: Sequence[Outcome], turn: Turn) -> Delivered:
        def one(each: tuple[Task, Outcome]) -> Result | None:
            task, outcome = each
            try:
                return self._settled(task, outcome, turn)
            except Exception:
                # Reported to Lambda, which delivers the record again and finally keeps it.
                log.exception("an alert on %s failed; it is tried again", task.retry.symbol)
                return None

        work = list(zip(tasks, outcomes, strict=True))
        results = in_lanes(one, work, lambda each: each[0].retry.channel)
        for left, reason in (("unsent", UNSENT), ("slow", TOO_SLOW)):
            over = [at for at, result in enumerate(results) if result == left]
            held = self._holder.hold_back([tasks[at] for at in over], turn, reason)
            for at, outcome in zip(over, held, strict=True):
                results[at] = one((tasks[at], outcome))
        failed = [
            identifier
            for task, result in zip(tasks, results, strict=True)
            for identifier in (() if result else task.identifiers)
        ]
        return Delivered(
            sent=results.count("sent"),
            retried=results.count("retried"),
            dead=results.count("dead"),
            deferred=results.count("deferred"),
            failed=tuple(dict.fromkeys(failed)),
            pictures_failed=turn.pictures_failed,
            held=results.count("held"),
        )

    def _settled(self, task: Task, outcome: Outcome, turn: Turn) -> Result | None:
        """Act on the timer of an agenda, or attempt to send an alert that is not held. Return the
        result; None if the task's records or messages must be delivered again."""
        if is_timer(task.retry):
            is_gone = self._is_gone(task.retry.channel)
            return self._agendas.follow(task.retry, turn, is_gone=is_gone)
        if outcome == "send":
            return self._one(task, turn)
        if outcome == "refused":
            return self._refused(task.retry)
        return "held" if outcome == "held" else None

    def _one(self, task: Task, turn: Turn) -> Result | None:
        """Make the attempt of a task if it is due, and return its result. Return "none" if it is
        not due. Return None if the request must be delivered again."""
        retry = task.retry
        stored = task.stored or self._claims.find(retry)
        if stored is None:
            return self._absent(retry)
        found, now = stored.on(retry.channel), self._clock()
        if is_claimed(found, to_text(now)):
            return self._defer(retry, LEASE.total_seconds())
        if not is_due(found, retry):
            return "none"
        channel = self._channels.find(retry.channel)
        if channel is None:
            return self._gone(found, retry)
        early = seconds_until(found, now)
        if early > SLACK_SECONDS:
            digest = digest_of(retry.symbol)
            return self._wait(digest, retry, early) if digest else self._defer(retry, early)
        return self._attempt(task, turn, stored, found, channel)

    def _attempt(
        self,
        task: Task,
        turn: Turn,
        stored: StoredAlert | StoredDigest,
        found: Delivery | None,
        channel: Channel,
    ) -> Result | None:
        """Make an attempt that is due. Something may prevent it: the channel keeps failing or is
        slow. A first attempt then returns the reason, so that its alert is held. A further attempt
        then counts as failed or is postponed."""
        retry = task.retry
        hindrance = self._attempts.hindrance(retry.channel, stored)
        if hindrance and task.stored:
            return hindrance
        if hindrance == "slow":
            return self._attempts.postpone(found, retry)
        if not self._may_try(task, turn):
            return self._put_off(task)
        if not hindrance:
            self._attempts.prepare(channel)
        if isinstance(stored, StoredDigest):
            return self._digest(stored, retry, turn, channel)
        claimed = self._claims.claim(retry, found)
        if claimed is None or not turn.has_time:  # a slow claim may have used up the time
            return self._refused(retry)
        if hindrance:
            return self._attempts.retry(claimed, retry, Passing(NOT_TRIED))

        def message() -> Message:
            return turn.illustrated(self._message(stored), stored, claimed)

        return self._attempts.make(message, claimed, retry, turn, channel)

    def _may_try(self, task: Task, turn: Turn) -> bool:
        """Return whether an attempt may begin. A first attempt may fail, so it needs room in the
        queue of retries."""
        channel = task.retry.channel
        has_room = not task.stored or self._retry_budget.has_room(channel, self._clock())
        return has_room and turn.may_try(channel)

    def _put_off(self, task: Task) -> Result | None:
        """Leave an attempt to the queue of retries. Return "unsent" for a first attempt if the
        queue's budget is used up."""
        if task.stored and not self._retry_budget.take(task.retry.channel, self._clock()):
            return "unsent"
        return self._defer(task.retry, pause(1))

    def _absent(self, retry: Retry) -> Result | None:
        """Settle a request whose alert or digest is not stored. Nothing is done for an alert. The
        request of a digest may come before the digest is made; it is then put again. If the digest
        is due or its channel is deleted, store it as closed. It can then not be opened without a
        request."""
        digest = digest_of(retry.symbol)
        if digest is None:
            return "none"
        now = self._clock()
        early = (from_text(digest.until) - now).total_seconds()
        if early > SLACK_SECONDS and not self._is_gone(digest.channel):
            return self._wait(digest, retry, early)
        return "none" if self._digests.close_empty(digest, to_text(now)) else None

    def _is_gone(self, channel: str) -> bool:
        return self._channels.find(channel) is None

    def _gone(self, found: Delivery | None, retry: Retry) -> Result:
        """Mark a delivery as dead, since its channel has been deleted."""
        attempts = found.attempts if found else 0
        before = Delivery(channel=retry.channel, status="dead", attempts=attempts, at="")
        dead = ended(before, "dead", to_text(self._clock()), GONE)
        self._store.replace(retry, found, dead)
        return "none"

    def _defer(self, retry: Retry, seconds: float) -> Result | None:
        """Put a request into the queue again for later and return "deferred". Return None if the
        request came from `redrive`, since it is still kept there."""
        if retry.dead:
            return None
        self._retries.put(retry, seconds)
        return "deferred"

    def _wait(self, digest: Digest, retry: Retry, seconds: float) -> Result | None:
        """Put a digest's request into the queue again for later. A request without attempts may
        come from a version of Ticktape without agendas. Its digest is added to the agenda, unless
        it is due soon."""
        if retry.dead:
            return None
        if retry.attempts:
            self._retries.put(retry, seconds)
        else:
            self._agendas.put_timer(digest)
        return "deferred"

    def _refused(self, retry: Retry) -> Result | None:
        """Settle a request whose delivery could not be claimed. Return "none" if the attempt is no
        longer due. Otherwise put the request again, for the end of the claim. Another invocation
        made this claim, or this one made it and the answer was lost."""
        stored = self._claims.find(retry)
        if stored is None:
            return "none"
        found = stored.on(retry.channel)
        if found is None and stored.notified_at:  # sent by a version without deliveries
            return "none"
        if found is not None and not is_due(found, retry):
            return "none"
        return self._defer(retry, LEASE.total_seconds())

    def _digest(
        self, stored: StoredDigest, retry: Retry, turn: Turn, channel: Channel
    ) -> Result | None:
        """Claim a digest, which closes it, and send it. If there is no time to read its members,
        the attempt counts as failed. If the digest has no members, it is marked as dead. An
        invocation may have died before adding one."""
        digest = stored.digest
        with turn.one_digest:
            if not turn.has_time:
                return self._defer(retry, pause(1))
            found = stored.on(retry.channel)
            hindrance = self._attempts.hindrance(retry.channel, stored)
            if hindrance == "slow":  # it waited for another digest
                return self._attempts.postpone(found, retry)
            claimed = self._claims.claim(retry, found)
            if claimed is None:
                return self._refused(retry)
            if hindrance:
                return self._attempts.retry(claimed, retry, Passing(NOT_TRIED))
            try:
                members = self._latest_members(digest, turn)
            except Passing as error:
                return self._attempts.retry(claimed, retry, error)
            counted = self._claims.members_of(retry)
            earlier = max(0, counted - len(members))  # too many to be read, or expired
            message = compose_digest(digest, members, self._page_url, earlier)
        if message is None:
            return self._unsent(claimed, retry, counted)
        return self._send_digest(message, claimed, retry, turn, channel)

    def _latest_members(self, digest: Digest, turn: Turn) -> list[Member]:
        """Return the latest MOST_MEMBERS members of a digest, ordered by time. Raises Passing if
        the invocation's time is up."""
        found = []
        for member in islice(self._digests.members(digest), MOST_MEMBERS):
            if not turn.has_time:
                raise Passing(UNREAD)
            found.append(member)
        return found[::-1]

    def _unsent(self, claimed: Delivery, retry: Retry, counted: int) -> Result:
        """Mark a digest without members as dead. It never had members, or all have expired."""
        reason = EXPIRED if counted else EMPTY
        if counted:
            log.error("%s: a digest of %d alerts: %s", claimed.channel, counted, reason)
        dead = ended(claimed, "dead", to_text(self._clock()), reason)
        self._store.replace(retry, claimed, dead)
        return "none"

    def _send_digest(
        self, message: Message, claimed: Delivery, retry: Retry, turn: Turn, channel: Channel
    ) -> Result | None:
        """Send a digest's message. If no time is left after reading the members, the attempt counts
        as failed."""
        fresh = self._claims.renewed(retry, claimed)
        if fresh is None:
            return self._refused(retry)
        if not turn.has_time:
            return self._attempts.retry(fresh, retry, Passing(UNREAD))
        return self._attempts.make(lambda: message, fresh, retry, turn, channel)

    def _message(self, stored: StoredAlert) -> Message:
        shown = stored.alert, stored.exchange_timezone, self._page_url
        return compose(*shown, mute_line(*shown, self._link_key, self._clock()))
