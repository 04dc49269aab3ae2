"""Hold alerts back: each alert that a channel holds becomes a member of one digest.

One transaction marks an alert as held and adds it to the digest. It succeeds only while the digest
is open. Each alert that is marked as held is therefore sent in exactly one digest.
"""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import held
from chalicelib.domain.digests import Digest, StoredDigest, member_of, opened
from chalicelib.domain.errors import Contended
from chalicelib.domain.holding import (
    Held,
    Window,
    count,
    held_back,
    held_by_limit,
    hold,
    passes,
)
from chalicelib.domain.holding_settings import NOTHING_HELD, Holding, Limit
from chalicelib.domain.mutes import Mute, held_by, in_force
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.delivery.agendas import Agendas
from chalicelib.services.delivery.budget import MESSAGES, MessageBound, MessageBudget
from chalicelib.services.delivery.directory import Channels
from chalicelib.services.delivery.stores import DeliveryStore, DigestStore, ToHold
from chalicelib.services.delivery.tasks import Task, Turn

log = logging.getLogger("ticktape.deliver")

TRIES = 8
"""How often a transaction or a count is tried while other writers are faster."""

ROUNDS = 4
"""The most digests to which an alert is offered. If one is closed, the next one is tried."""

TOO_MANY = "too many messages in a minute"
UNSENT = "the channel failed or was slow"
TOO_SLOW = "channels took too long"
"""Reasons for holding alerts back regardless of the settings of their channels."""

_MOST_TIMED = 1000
"""The most digests with a message in the queue that a container remembers."""

_FIRST_PAUSE_SECONDS = 0.02

Outcome = Literal["send", "held", "refused", "failed"]
"""What happens to an alert on a channel. "send": it is not held. "refused": it already has a
delivery. "failed": its record must be delivered again."""


class _Alert(NamedTuple):
    """An alert on a channel. `at` is the index of its task."""

    at: int
    stored: StoredAlert


class Holder:
    """Decides which alerts are held back, and adds them to digests."""

    def __init__(
        self,
        store: DeliveryStore,
        digests: DigestStore,
        channels: Channels,
        agendas: Agendas,
        clock: Callable[[], datetime],
        messages: MessageBound = MESSAGES,
    ) -> None:
        self._store = store
        self._digests = digests
        self._channels = channels
        self._agendas = agendas
        self._clock = clock
        self._budget = MessageBudget(messages)
        self._timed: set[Digest] = set()

    def outcomes(self, tasks: Sequence[Task], turn: Turn) -> list[Outcome]:
        """Return the outcome of each task. The alert of a first attempt is held in three cases: it
        is muted, its channel holds it back, or it is beyond the budget of messages. Nothing is
        written if no alert is to be held."""
        found: list[Outcome] = ["send"] * len(tasks)
        by_channel = _by_channel(tasks)
        muting = _Muting(self._channels.mutes() if by_channel else ())
        now = self._clock()
        for channel, alerts in by_channel.items():
            holding = self._channels.holding(channel)
            if holding is not None or muting.mutes:
                batch = _Batch(self, channel, holding or NOTHING_HELD, turn, found, muting)
                batch.settle(alerts, now)
        beyond = self._beyond_budget(tasks, found, now)
        outcomes = self.hold_back([tasks[at] for at in beyond], turn, TOO_MANY)
        for at, outcome in zip(beyond, outcomes, strict=True):
            found[at] = outcome
        return found

    def hold_back(self, tasks: Sequence[Task], turn: Turn, reason: str) -> list[Outcome]:
        """Hold alerts for a digest that is due within minutes, regardless of the settings of their
        channels. Return the outcome of each task."""
        found: list[Outcome] = ["failed"] * len(tasks)
        for channel, alerts in _by_channel(tasks).items():
            log.warning("%s: %d alerts wait for a digest: %s", channel, len(alerts), reason)
            holding = self._channels.holding(channel) or NOTHING_HELD
            batch = _HeldBack(self, channel, holding, turn, found, _Muting(()), reason)
            batch.settle(alerts, self._clock())
        return found

    def _beyond_budget(
        self, tasks: Sequence[Task], found: Sequence[Outcome], now: datetime
    ) -> list[int]:
        """Return the indexes of the tasks that exceed the budget of messages. Urgent alerts are
        counted first. Each alert is counted for all of its channels before the next alert. Channels
        therefore share the budget evenly."""
        places = [at for at, task in enumerate(tasks) if task.stored and found[at] == "send"]
        places.sort(key=lambda at: not _passes(tasks[at]))
        return sorted(
            at
            for at in places
            if not self._budget.take(tasks[at].retry.rule_id, tasks[at].retry.channel, now)
        )

    @property
    def chunk(self) -> int:
        """Return the most alerts that may join a digest at a time."""
        return self._digests.chunk

    def join(self, digest: Digest, group: Sequence[tuple[_Alert, str]]) -> _Joined:
        """Add at most `chunk` alerts to a digest, each with the reason for holding it. If the
        digest is new, open it first. Return what happened to the alerts. Raises Contended."""
        self._put_timer_once(digest)
        left = list(group)
        refused: list[int] = []
        for attempt in range(TRIES):
            answer = self._digests.hold(digest, [self._to_hold(digest, *one) for one in left])
            if answer.made:
                return _Joined([alert.at for alert, _ in left], refused, [])
            refused += [left[at][0].at for at in answer.alerts]
            left = [one for at, one in enumerate(left) if at not in answer.alerts]
            if not left:
                return _Joined([], refused, [])
            if answer.closed and not self._open(digest):
                return _Joined([], refused, [alert for alert, _ in left])
            if answer.contended:
                _pause(attempt)
        raise Contended(f"the digest of {digest.until} on {digest.channel}")

    def _to_hold(self, digest: Digest, alert: _Alert, reason: str) -> ToHold:
        now = to_text(self._clock())
        delivery = held(digest.channel, now, digest.until, reason)
        return ToHold(alert.stored, delivery, member_of(alert.stored, reason))

    def _put_timer_once(self, digest: Digest) -> None:
        """Put a message for a digest into the queue, unless this container has done so recently.
        The digest then has a message even if it was stored by another process that has died."""
        if digest in self._timed:
            return
        if len(self._timed) >= _MOST_TIMED:
            self._timed.clear()
        self._agendas.put_timer(digest)
        self._timed.add(digest)

    def _open(self, digest: Digest) -> bool:
        """Open a digest that is not stored. Return whether it is open now. It may be closed: its
        request may have come before the digest was stored."""
        found = self._store.find(digest.symbol, digest.timestamp, digest.rule_id)
        if isinstance(found, StoredDigest):
            return found.is_open and found.on(digest.channel) == opened(digest)
        return self._digests.open(digest) or self._open(digest)

    def counted(
        self, channel: str, limit: Limit, ids: Sequence[str], now: datetime
    ) -> tuple[Window, frozenset[str]]:
        """Count alerts against a channel's limit. Return the window and the ids of the alerts
        within the limit; see domain.holding.count. Raises Contended."""
        for attempt in range(TRIES):
            before = self._digests.window(channel)
            after, sent = count(before.window, limit, ids, now)
            if after == before.window or self._digests.count(channel, before, after):
                return after, sent
            _pause(attempt)
        raise Contended(f"the limit of {channel}")


class _Joined(NamedTuple):
    """What happened to alerts that were to be added to a digest. `held` and `refused` have the
    indexes of their tasks; refused alerts already had a delivery. `late` has the alerts that came
    after the digest was closed."""

    held: list[int]
    refused: list[int]
    late: list[_Alert]


class _Muting:
    """Finds the muted alerts of a batch. It computes once for each instant which mutes are in
    force. It checks each alert once for all of its channels."""

    def __init__(self, mutes: Sequence[Mute]) -> None:
        self.mutes = mutes
        self._in_force: dict[datetime, list[tuple[datetime, Mute]]] = {}
        self._held: dict[tuple[datetime, str], tuple[Held, ...]] = {}

    def of(self, alert: Alert, now: datetime) -> tuple[Held, ...]:
        """Return why and until when an alert is muted, as one Held; empty if it is not muted."""
        key = now, alert.alert_id
        if key not in self._held:
            if now not in self._in_force:
                self._in_force[now] = in_force(self.mutes, now)
            held = held_by(self._in_force[now], alert)
            self._held[key] = () if held is None else (held,)
        return self._held[key]


class _Batch(msgspec.Struct):
    """The alerts of a batch on one channel. `found` has the outcomes of all tasks."""

    holder: Holder
    channel: str
    holding: Holding
    turn: Turn
    found: list[Outcome]
    muting: _Muting

    @property
    def _has_time(self) -> bool:
        return self.turn.has_time

    def settle(self, alerts: Sequence[_Alert], now: datetime) -> None:
        """Hold the alerts, or let them pass. If a digest is closed, decide on its alerts again, as
        of the time at which the digest was due."""
        later: list[tuple[datetime, list[_Alert]]] = [(now, list(alerts))]
        for _ in range(ROUNDS):
            current, later = later, []
            for instant, group in current:
                later += self._round(group, instant)
        self._fail(alert for _, group in later for alert in group)

    def _round(
        self, alerts: Sequence[_Alert], now: datetime
    ) -> list[tuple[datetime, list[_Alert]]]:
        late = []
        if not self._has_time:
            self._fail(alerts)
            return []
        try:
            by_end = self._by_end(alerts, now)
        except Exception:
            log.exception("alerts on %s failed; they are tried again", self.channel)
            self._fail(alerts)
            return []
        for until, group in by_end.items():
            closed = self._join(until, group)
            if closed:
                late.append((max(now, from_text(until)), closed))
        return late

    def _by_end(
        self, alerts: Sequence[_Alert], now: datetime
    ) -> dict[str, list[tuple[_Alert, str]]]:
        """Return the alerts to be held, each with its reason, by the due time of their digest."""
        by_end: dict[str, list[tuple[_Alert, str]]] = defaultdict(list)
        passing = []
        for alert in alerts:
            stored = alert.stored
            also = self.muting.of(stored.alert, now)
            found = hold(self.holding, stored.alert, stored.exchange_timezone, now, also)
            if found is not None:
                by_end[to_text(found.until)].append((alert, found.reason))
            elif not passes(stored.alert):
                passing.append(alert)
        for alert, beyond in self._beyond_limit(passing, now):
            by_end[to_text(beyond.until)].append((alert, beyond.reason))
        return by_end

    def _beyond_limit(self, alerts: Sequence[_Alert], now: datetime) -> list[tuple[_Alert, Held]]:
        limit = self.holding.limit
        if limit is None or not alerts:
            return []
        ids = [alert.stored.alert.alert_id for alert in alerts]
        window, sent = self.holder.counted(self.channel, limit, ids, now)
        found = held_by_limit(self.holding, window, limit)
        return [(alert, found) for alert, one in zip(alerts, ids, strict=True) if one not in sent]

    def _join(self, until: str, group: Sequence[tuple[_Alert, str]]) -> list[_Alert]:
        """Add alerts to a digest and note their outcomes. Return those that came after it was
        closed."""
        late: list[_Alert] = []
        size = self.holder.chunk
        for start in range(0, len(group), size):
            chunk = group[start : start + size]
            if not self._has_time:
                self._fail(alert for alert, _ in chunk)
                continue
            try:
                joined = self.holder.join(Digest(self.channel, until), chunk)
            except Exception:
                log.exception("alerts on %s failed; they are tried again", self.channel)
                self._fail(alert for alert, _ in chunk)
                continue
            self._note("held", joined.held)
            self._note("refused", joined.refused)
            late += joined.late
        return late

    def _fail(self, alerts: Iterable[_Alert]) -> None:
        self._note("failed", [alert.at for alert in alerts])

    def _note(self, outcome: Outcome, places: Iterable[int]) -> None:
        for at in places:
            self.found[at] = outcome


class _HeldBack(_Batch):
    """The alerts of a batch on one channel, all held for the same reason."""

    reason: str

    @property
    def _has_time(self) -> bool:
        return self.turn.may_hold

    def _by_end(
        self, alerts: Sequence[_Alert], now: datetime
    ) -> dict[str, list[tuple[_Alert, str]]]:
        by_end: dict[str, list[tuple[_Alert, str]]] = defaultdict(list)
        for alert in alerts:
            found = held_back(self.holding, alert.stored.alert, self.reason, now)
            by_end[to_text(found.until)].append((alert, found.reason))
        return by_end


def _by_channel(tasks: Sequence[Task]) -> dict[str, list[_Alert]]:
    by_channel: dict[str, list[_Alert]] = defaultdict(list)
    for at, task in enumerate(tasks):
        if task.stored is not None:
            by_channel[task.retry.channel].append(_Alert(at, task.stored))
    return by_channel


def _passes(task: Task) -> bool:
    return task.stored is not None and passes(task.stored.alert)


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, _FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311 - jitter
