"""The handlers on botocore's clients, killed, and delivered again as Lambda would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from chalicelib import bootstrap, handlers
from chalicelib.bootstrap import Services
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.system import SETTINGS, Aws
from rigs.memory_aws.tables import error
from rigs.memory_aws.transport import Transport
from tests.factories import LambdaContext, instant
from tests.faults.outbox import Message, Outbox
from tests.faults.stores import TABLES, Contents, comparable

Handler = Callable[[dict[str, Any], Any], dict[str, list[dict[str, str]]]]

INGEST: dict[str, Handler] = {"kinesis": handlers.ingest_kinesis, "sqs": handlers.ingest_sqs}
SMALL_AVERAGES = msgspec.structs.replace(SETTINGS, sma_fast=2, sma_slow=4, alerts="every-tick")
MOST_DELIVERIES = 6
MOST_ROUNDS = 100


class Run:
    """One fresh system; each delivery is to a new container, ten seconds after the one before."""

    def __init__(self, transport: Transport, use: Callable[[Services], None]) -> None:
        self.aws = transport.aws = Aws()
        self._transport = transport
        self._use = use
        self.outbox = Outbox(self.aws)
        self.seconds = 4300.0
        self._deliveries = 0

    def once(self, handler: Handler, event: dict[str, Any]) -> list[str]:
        """Deliver once; the identifiers that were reported."""
        self._use(Services(SMALL_AVERAGES, lambda: instant(self.seconds), self._transport))
        self._deliveries += 1
        self.seconds += 10
        answer = handler(event, LambdaContext(f"request-{self._deliveries}"))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def until_done(self, handler: Handler, event: dict[str, Any]) -> None:
        """Deliver until nothing is reported."""
        for _ in range(MOST_DELIVERIES):
            if not self.once(handler, event):
                return
        raise AssertionError("it never went through")

    def changes(self) -> dict[str, Any]:
        """All that the prices table's stream holds, as one batch."""
        return {"Records": list(self.aws.stream)}

    def ingest(self, kind: str, event: dict[str, Any]) -> None:
        """Deliver to ingest without any fault."""
        self.until_done(INGEST[kind], event)

    def detect(self) -> None:
        """Deliver all changes to detect without any fault, and what it records."""
        self.until_done(handlers.detect, self.changes())
        self.deliver()

    def deliver(self) -> None:
        """Deliver what is new, and make all further attempts, without any fault."""
        for _ in range(MOST_ROUNDS):
            self.outbox.watch(self.seconds)
            if self.outbox.is_empty:
                return
            if self.outbox.records:
                self._deliver_new()
            if due := self.outbox.take_due(self.seconds):
                self.redeliver(due)
            self.seconds += 10
        raise AssertionError("delivery does not come to an end")

    def _deliver_new(self) -> None:
        records = self.outbox.records
        failed = self.once(handlers.deliver, {"Records": records})
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        first = min(map(numbers.index, failed), default=len(records))
        self.outbox.records = records[first:]

    def redeliver(self, due: Sequence[Message]) -> None:
        """Hand messages out; those that fail come again."""
        failed = self.once(handlers.redeliver, {"Records": [one.record for one in due]})
        self.outbox.messages += [one for one in due if one.record["messageId"] in failed]

    def deliver_new(self) -> None:
        """Deliver all new alerts once."""
        self.once(handlers.deliver, self.new_alerts())

    def redeliver_due(self) -> None:
        """Hand out the messages that are due once; all of them come again if the process dies."""
        due = self.outbox.take_due(self.seconds)
        self.outbox.messages += due
        self.once(handlers.redeliver, {"Records": [one.record for one in due]})

    def new_alerts(self) -> dict[str, Any]:
        """All new alerts that wait, as one batch."""
        self.outbox.watch(self.seconds)
        return {"Records": list(self.outbox.records)}

    def marked(self) -> set[str]:
        """The alert_ids of the alerts that are marked as sent."""
        items = self.aws.tables["alerts"].items.values()
        return {item["alert_id"]["S"] for item in items if "notified_at" in item}

    def contents(self) -> Contents:
        """All stores."""
        return contents_of(self.aws)


def contents_of(aws: Aws) -> Contents:
    """All stores of a system in memory."""
    tables = {name: list(aws.tables[name].items.values()) for name in TABLES}
    return comparable(tables, {key: body for (_, key), body in aws.objects.items()})


def throttled(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
    """Throttle the topic: for `Aws.around`."""
    if operation == "Publish":
        raise error(operation, "Throttled", 429)
    return perform()


def use_services(monkeypatch: Any) -> Callable[[Services], None]:
    """Return a function that makes the handlers use a test's services."""

    def use(services: Services) -> None:
        monkeypatch.setattr(bootstrap, "get_services", lambda: services)

    return use
