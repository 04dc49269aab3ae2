"""Delivery as Lambda's event source mappings do it, driven by the world's dice.

Batches of any size, redelivery of what was done already, bisecting, shards that split, stream
records in any order and twice, several detects at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from tests.factories import kinesis_event, sqs_event
from tests.faults.outbox import Message, Outbox
from tests.faults.world import Invocation, World

SIDE_BY_SIDE = 3
UNTIL_PAUSE = 50
"""Batches that come back before delivery pauses, as a mapping backs off: the world's leases end
only while nothing runs."""

MOST_STEPS = 100_000


class Shard:
    """Records in order, a checkpoint, and at most one invocation at a time."""

    def __init__(
        self, name: str, payloads: Sequence[bytes], arrival: float, first: int = 0
    ) -> None:
        self.name = name
        self.first = first
        self.payloads = payloads
        self.arrival = arrival
        self.checkpoint = 0
        self.numbers: dict[str, int] = {}
        self.running: Invocation | None = None

    @property
    def finished(self) -> bool:
        """Return whether a child shard may be read."""
        return self.checkpoint >= len(self.payloads) and self.running is None


class Delivery(msgspec.Struct):
    """A batch of stream records at a detect."""

    records: list[dict[str, Any]]
    running: Invocation


class Sending(msgspec.Struct):
    """New alerts, or messages that ask for further attempts, at a deliver."""

    records: list[dict[str, Any]]
    messages: list[Message]
    running: Invocation


class Deliverer:
    """Brings generations of shards to ingest, the prices table's changes to detect, the alerts
    table's to deliver, and messages to redeliver."""

    def __init__(self, world: World, generations: Sequence[Sequence[Shard]], kind: str) -> None:
        self._world = world
        self._generations = generations
        self._kind = kind
        self._repeats = 5
        self._seen = 0
        self._came_back = 0
        self._changes: list[dict[str, Any]] = []
        self._detects: list[Delivery] = []
        self._outbox = Outbox(world.aws)
        self._sendings: list[Sending] = []

    def drain(self) -> None:
        """Until everything has been delivered and nothing is reported."""
        for _ in range(MOST_STEPS):
            if not self._step():
                return
        raise AssertionError("it does not come to an end")

    def _step(self) -> bool:
        self._watch()
        shards = self._open_shards()
        if not (self._detects or self._sendings or any(shard.running for shard in shards)):
            self._world.wait(30)  # leases of the dead end
            self._came_back = 0
        free = len(self._detects) < SIDE_BY_SIDE and self._came_back < UNTIL_PAUSE
        may_detect = bool(self._changes) and free
        choices = [*shards, *(["start"] if may_detect else []), *self._detects, *self._detects]
        choices += [*self._sendings, *(["send"] if self._may_send() else [])]
        if not choices:
            return not self._outbox.is_empty
        chosen = self._world.dice.choice(choices)
        if isinstance(chosen, Shard):
            self._ingest(chosen)
        elif isinstance(chosen, Delivery):
            self._detect(chosen)
        elif isinstance(chosen, Sending):
            self._send(chosen)
        elif chosen == "send":
            self._start_sending()
        else:
            self._start_detect()
        return True

    def _open_shards(self) -> list[Shard]:
        """Children are read when all of their parents are finished."""
        for generation in self._generations:
            left = [shard for shard in generation if not shard.finished]
            if left:
                return left
        return []

    def _watch(self) -> None:
        """New changes that the mapping's filter lets through, some of them twice."""
        stream = self._world.aws.stream
        for record in stream[self._seen :]:
            if "complete_from" in record["dynamodb"].get("NewImage", {}):
                times = 2 if self._world.dice.random() < 0.15 else 1
                self._changes += [record] * times
        self._seen = len(stream)
        self._outbox.watch(self._world.seconds)

    def _ingest(self, shard: Shard) -> None:
        if shard.running is None:
            self._start_ingest(shard)
            return
        shard.running.step()
        if shard.running.done:
            self._settle_ingest(shard, shard.running)
            shard.running = None

    def _start_ingest(self, shard: Shard) -> None:
        dice = self._world.dice
        size = dice.choice([1, 2, 5, 20, 1000])
        batch = shard.payloads[shard.checkpoint : shard.checkpoint + size]
        first = shard.first + shard.checkpoint
        if self._kind == "kinesis":
            event = kinesis_event(batch, first, shard.arrival, shard.name)
            records = events.from_kinesis(event)
        else:
            records = events.from_sqs(sqs_event(batch, first, shard.arrival))
        hurry = dice.random() < 0.2
        deadline = -math.inf if hurry else math.inf
        all_later = self._kind == "sqs"

        def work(services: Services, request_id: str) -> list[str]:
            done = services.ingest(records, deadline)
            return done.identifiers(records, all_later=all_later)

        shard.numbers = {record.identifier: n for n, record in enumerate(records)}
        shard.running = self._world.invoke(work)

    def _settle_ingest(self, shard: Shard, done: Invocation) -> None:
        if done.failure is not None:
            return  # the whole batch comes again, split anew
        failed = [shard.numbers[identifier] for identifier in done.result]
        shard.checkpoint += min(failed, default=len(shard.numbers))
        if self._repeats and self._world.dice.random() < 0.1:
            self._repeats -= 1
            shard.checkpoint -= self._world.dice.randint(0, shard.checkpoint)

    def _start_detect(self) -> None:
        dice = self._world.dice
        count = dice.randint(1, min(8, len(self._changes)))
        in_order = dice.random() < 0.5
        places = range(count) if in_order else dice.sample(range(len(self._changes)), count)
        records = [self._changes[place] for place in places]
        for place in sorted(places, reverse=True):
            del self._changes[place]
        changes = events.changed_prices({"Records": records})

        def work(services: Services, request_id: str) -> list[str]:
            return list(services.detect(changes).failed)

        self._detects.append(Delivery(records, self._world.invoke(work)))

    def _detect(self, delivery: Delivery) -> None:
        delivery.running.step()
        if not delivery.running.done:
            return
        self._detects.remove(delivery)
        if delivery.running.failure is not None:
            self._come_back(delivery.records)
        elif delivery.running.result:
            numbers = [record["dynamodb"]["SequenceNumber"] for record in delivery.records]
            first = min(map(numbers.index, delivery.running.result))
            self._come_back(delivery.records[first:])

    def _come_back(self, records: list[dict[str, Any]]) -> None:
        self._came_back += 1
        self._changes = records + self._changes

    def _may_send(self) -> bool:
        now = self._world.seconds
        waits = self._outbox.records or any(one.due <= now for one in self._outbox.messages)
        return bool(waits) and len(self._sendings) < SIDE_BY_SIDE and self._came_back < UNTIL_PAUSE

    def _start_sending(self) -> None:
        """New alerts, or messages; some are delivered twice."""
        dice, outbox = self._world.dice, self._outbox
        if outbox.records and dice.random() < 0.7:
            count = dice.randint(1, len(outbox.records))
            records = outbox.records[:count]
            if dice.random() > 0.15:
                del outbox.records[:count]
            self._sendings.append(Sending(records, [], self._invoke_deliver(records)))
        elif due := outbox.take_due(self._world.seconds):
            outbox.messages += [one for one in due if dice.random() < 0.1]
            self._sendings.append(Sending([], due, self._invoke_redeliver(due)))

    def _invoke_deliver(self, records: Sequence[dict[str, Any]]) -> Invocation:
        alerts = events.new_alerts({"Records": records})
        return self._world.invoke(
            lambda services, _: list(services.deliver.new(alerts, math.inf).failed)
        )

    def _invoke_redeliver(self, due: Sequence[Message]) -> Invocation:
        retries, unreadable = events.retries({"Records": [one.record for one in due]})
        assert not unreadable
        return self._world.invoke(
            lambda services, _: list(services.deliver.again(retries, math.inf).failed)
        )

    def _send(self, sending: Sending) -> None:
        sending.running.step()
        if not sending.running.done:
            return
        self._sendings.remove(sending)
        failed = sending.running.result
        if sending.running.failure is None and not failed:
            return
        self._came_back += 1
        if sending.running.failure is not None:
            failed = []
        numbers = [record["dynamodb"]["SequenceNumber"] for record in sending.records]
        first = min((numbers.index(name) for name in failed if name in numbers), default=0)
        self._outbox.records = sending.records[first:] + self._outbox.records
        again = [one for one in sending.messages if not failed or one.record["messageId"] in failed]
        self._outbox.messages += again
