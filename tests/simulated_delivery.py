"""Runs `deliver` and two `redeliver` in simulated time, with receivers of any speed."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import NamedTuple

import msgspec
import pytest

from chalicelib.bootstrap import RESERVED_SECONDS
from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import Delivery, Passing, Retry
from chalicelib.domain.digests import Digest, Member, StoredDigest, opened
from chalicelib.domain.holding_settings import Holding
from chalicelib.domain.messages import Message
from chalicelib.event_sources import EVENT_SOURCES
from chalicelib.services.delivery import deliver as deliver_module
from chalicelib.services.delivery import tasks
from chalicelib.services.delivery.channel import Channel
from chalicelib.services.delivery.deliver import Deliver
from chalicelib.services.delivery.stores import Key, Refusals, ToHold
from tests.factories import instant
from tests.fake_delivery import FakeDeliveries, FakeDigests, FakeDirectory
from tests.simulated_time import SimulatedLock, SimulatedTime

CALL_SECONDS = 0.01
"""The seconds that a call of AWS takes."""

INVOCATION_SECONDS = 60.0 - RESERVED_SECONDS
_POLL_SECONDS = 0.5
_ROUNDING = 1e-6
_NO_REFUSALS = Refusals(made=True, closed=False, alerts=frozenset(), contended=False)


class Receiver(NamedTuple):
    """A channel that answers after `seconds`. It answers at once before `slow_from`, and to all but
    every `slow_each`-th attempt.

    Every `takes`-th attempt succeeds (none for 0), except for the share `fails`. The channel exists
    from `made` on, or for long before, until `deleted`. With `digests` its alerts wait for a digest
    every quarter of an hour.
    """

    seconds: float
    takes: int = 1
    slow_from: float = 0.0
    slow_each: int = 1
    fails: float = 0.0
    made: float | None = None
    deleted: float = math.inf
    digests: bool = False


class Arrival(NamedTuple):
    """An alert that detect records `at` seconds after the start."""

    at: float
    alert: Alert


class _Channel:
    def __init__(self, world: Simulation, name: str, receiver: Receiver) -> None:
        self._world, self._name, self._receiver = world, name, receiver
        self._attempts = itertools.count(1)
        self._random = random.Random(name)

    def prepare(self) -> None:
        pass

    def send(self, message: Message) -> None:
        number = next(self._attempts)
        is_slow = self._world.time.now >= self._receiver.slow_from
        is_slow = is_slow and not number % self._receiver.slow_each
        self._world.time.sleep(self._receiver.seconds if is_slow else CALL_SECONDS)
        fails = self._random.random() < self._receiver.fails
        if fails or not self._receiver.takes or number % self._receiver.takes:
            raise Passing("answered 500")
        key = message.attributes["alert_id"], self._name
        self._world.sent.setdefault(key, self._world.time.now)


class _Store(FakeDeliveries):
    """A store of alerts and of the heads of digests."""

    def __init__(self, time: SimulatedTime) -> None:
        super().__init__()
        self._time = time
        self.heads: dict[str, StoredDigest] = {}

    def find(self, symbol: str, timestamp: str, rule_id: str) -> StoredAlert | None:
        self._time.sleep(CALL_SECONDS)
        head = self.heads.get(symbol)
        return head or super().find(symbol, timestamp, rule_id)  # type: ignore[return-value]

    def replace(self, key: Key, before: Delivery | None, after: Delivery) -> bool:
        self._time.sleep(CALL_SECONDS)
        head = self.heads.get(key.symbol)
        if head is None:
            return super().replace(key, before, after)
        if head.on(after.channel) != before:
            return False
        closed = msgspec.structs.replace(head, is_open=False, deliveries=(after,))
        self.heads[key.symbol] = closed
        return True


class _Digests(FakeDigests):
    """A store of digests, whose messages show one alert."""

    chunk = 49

    def __init__(self, store: _Store, time: SimulatedTime) -> None:
        super().__init__()
        self._store, self._time = store, time
        self.member: dict[str, Member] = {}

    def open(self, digest: Digest) -> bool:
        new = StoredDigest(digest, is_open=True, deliveries=(opened(digest),))
        return self._store.heads.setdefault(digest.symbol, new) is new

    def close_empty(self, digest: Digest, now: str) -> bool:
        raise AssertionError("every digest has alerts")

    def hold(self, digest: Digest, held: Sequence[ToHold]) -> Refusals:
        self._time.sleep(CALL_SECONDS)
        head = self._store.heads.get(digest.symbol)
        if head is None or not head.is_open:
            return _NO_REFUSALS._replace(made=False, closed=True)
        self._store.heads[digest.symbol] = msgspec.structs.replace(
            head, members=head.members + len(held)
        )
        for one in held:
            assert FakeDeliveries.replace(self._store, one.stored.alert, None, one.delivery)
            self.member[digest.symbol] = one.member
        return _NO_REFUSALS

    def members(self, digest: Digest) -> Iterable[Member]:
        return [self.member[digest.symbol]]


class _Directory(FakeDirectory):
    """A directory of channels that are created and deleted."""

    def __init__(self, world: Simulation, receivers: Mapping[str, Receiver]) -> None:
        super().__init__({name: _Channel(world, name, each) for name, each in receivers.items()})
        self._world, self._receivers = world, receivers
        self.since = {
            name: instant(each.made) for name, each in receivers.items() if each.made is not None
        }

    def find(self, channel_id: str) -> Channel | None:
        found = self._receivers[channel_id]
        is_there = (found.made or 0.0) <= self._world.time.now < found.deleted
        return super().find(channel_id) if is_there else None

    def holding(self, channel_id: str) -> Holding | None:
        digests = self._receivers[channel_id].digests
        return Holding(digest="every_15_minutes") if digests else None


class Simulation:
    """The simulated system. Call `run`, then ask what became of the alerts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, receivers: Mapping[str, Receiver]) -> None:
        self.time = SimulatedTime()
        self.sent: dict[tuple[str, str], float] = {}
        self.handled: list[tuple[Retry, float]] = []
        """Messages of the queue, and by how many seconds each was received late."""
        self.most_waiting = 0
        self.dead: list[Retry] = []
        self.store = _Store(self.time)
        self.digests = _Digests(self.store, self.time)
        self._queue: list[tuple[float, int, Retry]] = []
        self._numbers = itertools.count()
        self._directory = _Directory(self, receivers)
        monkeypatch.setattr(deliver_module, "in_lanes", self.time.in_lanes)
        locks = SimpleNamespace(Lock=lambda: SimulatedLock(self.time))
        monkeypatch.setattr(tasks, "threading", locks)

    def run(self, arrivals: Sequence[Arrival], seconds: float) -> None:
        """Record the alerts at their times, and let the system run until `seconds`."""
        self.time.run(
            lambda: self._deliver(arrivals, seconds),
            *[lambda: self._redeliver(seconds)]
            * (EVENT_SOURCES["redeliver"].maximum_concurrency or 0),
        )

    def put(self, retry: Retry, seconds: float) -> None:
        """See RetryQueue.put."""
        self.time.sleep(CALL_SECONDS)
        due = self.time.now + min(900.0, max(0.0, seconds))
        heapq.heappush(self._queue, (due, next(self._numbers), retry))
        self.most_waiting = max(self.most_waiting, len(self._queue))

    def depth(self) -> int:
        """See RetryQueue.depth."""
        return len(self._queue)

    def bury(self, retry: Retry, reason: str) -> None:
        """See RetryQueue.bury."""
        self.dead.append(retry)

    def _container(self) -> Deliver:
        clock = lambda: instant(0) + timedelta(seconds=self.time.now)  # noqa: E731
        return Deliver(
            self.store,
            self._directory,
            self,
            "",
            clock,
            self.digests,
            monotonic=lambda: self.time.now,
        )

    def _deliver(self, arrivals: Sequence[Arrival], seconds: float) -> None:
        container, at = self._container(), 0
        while self.time.now < seconds and at < len(arrivals):
            wait = arrivals[at].at - self.time.now
            if wait > 0:
                self.time.sleep(wait)
            size = EVENT_SOURCES["deliver"].batch_size
            due = [
                each.alert
                for each in arrivals[at : at + size]
                if each.at <= self.time.now + _ROUNDING
            ]
            at += len(due)
            for alert in due:
                self.store.put(StoredAlert(alert))
            named = [(str(n), StoredAlert(alert)) for n, alert in enumerate(due)]
            done = container.new(named, self.time.now + INVOCATION_SECONDS)
            assert not done.failed

    def _redeliver(self, seconds: float) -> None:
        container = self._container()
        while self.time.now < seconds:
            batch: list[Retry] = []
            while self._queue and len(batch) < 10 and self._queue[0][0] <= self.time.now:
                due, _, retry = heapq.heappop(self._queue)
                self.handled.append((retry, self.time.now - due))
                batch.append(retry)
            if not batch:
                self.time.sleep(_POLL_SECONDS)
                continue
            named = [(str(n), retry) for n, retry in enumerate(batch)]
            done = container.again(named, self.time.now + INVOCATION_SECONDS)
            assert not done.failed

    def overdue(self) -> float:
        """Return by how many seconds the oldest message in the queue is late."""
        return self.time.now - self._queue[0][0] if self._queue else 0.0

    def lost(self, arrivals: Iterable[Arrival]) -> list[tuple[str, str]]:
        """Return the alerts and channels for which nothing will be sent."""
        asked = {(one.symbol, one.timestamp, one.rule_id, one.channel) for _, _, one in self._queue}
        asked |= {(one.symbol, one.timestamp, one.rule_id, one.channel) for one in self.dead}
        found = []
        for arrival in arrivals:
            alert = arrival.alert
            for channel in alert.channels or ():
                delivery = FakeDeliveries.of(self.store, alert, channel)
                key = alert.symbol, alert.timestamp, alert.rule_id, channel
                if delivery is not None and delivery.status == "held":
                    digest = Digest(channel, delivery.until)
                    head = self.store.heads[digest.symbol].on(channel)
                    is_sent = head is not None and head.status == "sent"
                    key = digest.symbol, digest.timestamp, digest.rule_id, channel
                else:
                    is_sent = delivery is not None and delivery.status == "sent"
                if not is_sent and key not in asked:
                    found.append((alert.alert_id, channel))
        return found
