"""The course of a run: which records are delivered to which container, and which rules exist."""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import Any

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.rules import Rule
from tests.faults.outbox import Message, Outbox
from tests.model.lab import Lab
from tests.model.traffic import Stream, Traffic, whole_millisecond
from tests.model.verdict import Change
from tests.stored_rules import store_rule


class Course:
    """The lab, the traffic, and what of it waits."""

    lab: Lab
    traffic: Traffic
    api: Services

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Change] = []
        self.pending: list[dict[str, Any]] = []
        self.seen = 0
        self.outbox: Outbox | None = None
        self.stack = ExitStack()

    def _who(self, number: int) -> int:
        return number % len(self.traffic.senders)

    def _container(self, number: int) -> int:
        return number % len(self.lab.containers)

    def _rule(self, name: str) -> Rule | None:
        mine = [change.rule for change in self.changes if change.rule_id == name]
        return mine[-1] if mine else None

    def _change(self, changed: Rule) -> None:
        store_rule(self.api.stores.rules, changed)
        self.changes.append(Change(self.lab.seconds, changed.rule_id, changed))

    def pause(self, seconds: float) -> None:
        """Nothing happens for a while; what is sent then arrives later."""
        self.lab.wait(seconds)
        self.traffic.arrived = max(self.traffic.arrived, whole_millisecond(self.lab.now))

    def _time_goes_on(self) -> None:
        self.lab.now = max(self.lab.now, self.traffic.arrived)

    def _watch(self) -> None:
        """New changes of the prices table that the mapping's filter lets through."""
        stream = self.lab.aws.stream
        self.pending += [one for one in stream[self.seen :] if is_complete(one)]
        self.seen = len(stream)

    def _deliver(self, container: int) -> None:
        """Both streams, then detection."""
        for stream in self.traffic.streams:
            if stream.waiting:
                self._ingest(container, stream, 1000)
        self._watch()
        self._detect(container, 0, 1000)
        self._send(container)

    def _outbox(self) -> Outbox:
        """What waits to be sent, as far as it has come."""
        if self.outbox is None:
            self.outbox = Outbox(self.lab.aws)
        self.outbox.watch(self.lab.seconds)
        return self.outbox

    def _send(self, container: int) -> None:
        """New alerts, and the messages whose time has come."""
        outbox = self._outbox()
        if records := outbox.records:
            outbox.records = []
            outbox.records = self._send_new(container, records) + outbox.records
        if due := self._outbox().take_due(self.lab.seconds):
            again = self._send_again(container, due)
            outbox.messages += [one for one in due if one.record["messageId"] in again]

    def _send_new(self, container: int, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those that have to come again."""
        alerts = events.new_alerts({"Records": records})

        def work(services: Services, request: str) -> list[str]:
            return list(services.deliver.new(alerts, math.inf).failed)

        failed = self.lab.invoke(container, work, lambda: self._others_send(container, records))
        if failed is None:
            return records
        numbers = [one["dynamodb"]["SequenceNumber"] for one in records]
        return records[min(map(numbers.index, failed), default=len(records)) :]

    def _send_again(self, container: int, due: list[Message]) -> list[str]:
        """The messages that have to come again."""
        retries, _ = events.retries({"Records": [one.record for one in due]})

        def work(services: Services, request: str) -> list[str]:
            return list(services.deliver.again(retries, math.inf).failed)

        failed = self.lab.invoke(container, work, lambda: self._others_send(container, []))
        return [one.record["messageId"] for one in due] if failed is None else list(failed)

    def _others_send(self, container: int, records: list[dict[str, Any]]) -> None:
        """The next container delivers all that waits, and the same alerts besides."""
        if len(self.lab.containers) > 1:
            self._outbox().records += records
            self._deliver((container + 1) % len(self.lab.containers))

    def _ingest(self, container: int, stream: Stream, size: int) -> None:
        records = stream.batch(size)
        later = stream.kind == "sqs"

        def work(services: Services, request: str) -> list[str]:
            return services.ingest(records, math.inf).identifiers(records, all_later=later)

        stream.busy = True
        failed = self.lab.invoke(container, work, lambda: self._others(container))
        stream.busy = False
        if failed is not None:
            names = [record.identifier for record in records]
            stream.checkpoint += min(map(names.index, failed), default=len(names))

    def _detect(self, container: int, skip: int, count: int) -> None:
        batch = self.pending[skip : skip + count]
        if not batch:
            return
        del self.pending[skip : skip + count]
        found = events.changed_prices({"Records": batch})

        def work(services: Services, request: str) -> list[str]:
            return list(services.detect(found).failed)

        failed = self.lab.invoke(container, work, lambda: self._others(container, batch))
        if failed is None:
            self.pending = batch + self.pending
        elif failed:
            numbers = [one["dynamodb"]["SequenceNumber"] for one in batch]
            self.pending = batch[min(map(numbers.index, failed)) :] + self.pending

    def _others(self, container: int, batch: list[dict[str, Any]] | None = None) -> None:
        """What comes between two calls of an invocation: the next container delivers all that
        waits, and the same changes besides."""
        if len(self.lab.containers) > 1:
            self.pending += batch or []
            self._deliver((container + 1) % len(self.lab.containers))

    def _drain_ingest(self) -> None:
        self.lab.expect([])
        for _ in range(10):
            for stream in self.traffic.streams:
                if stream.waiting:
                    self._ingest(0, stream, 1000)

    def _drain(self) -> None:
        """Until nothing is left; leases of the dead end."""
        self.lab.expect([])
        for attempt in range(60):
            container = attempt % len(self.lab.containers)
            self._deliver(container)
            waiting = self.pending or any(stream.waiting for stream in self.traffic.streams)
            if not waiting and self._outbox().is_empty:
                return
            self.pause(30)
        raise AssertionError("delivery does not come to an end")


def is_complete(change: dict[str, Any]) -> bool:
    return "complete_from" in change["dynamodb"].get("NewImage", {})
