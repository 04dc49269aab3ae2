"""What waits to be delivered: new alerts on their table's stream, and further attempts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

from chalicelib.adapters.events import new_alerts
from chalicelib.bootstrap import Services
from chalicelib.services.delivery import attempts
from rigs.memory_aws.system import Aws

QUEUE, DEAD_QUEUE = "deliveries", "deliveries-dead"


class Message(NamedTuple):
    """A message of the queue, and when it may be handed out."""

    due: float
    record: dict[str, Any]


class Outbox:
    """`records` and `messages` wait. Whoever takes some puts back what failed."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._seen = self._queued = 0
        self.records: list[dict[str, Any]] = []
        self.messages: list[Message] = []

    def watch(self, now: float) -> None:
        """Note what has come, in seconds of any clock."""
        stream, queue = self._aws.alert_stream, self._aws.messages.get(QUEUE, [])
        self.records += [one for one in stream[self._seen :] if is_new(one)]
        self._seen = len(stream)
        for number, request in enumerate(queue[self._queued :], self._queued):
            record = {"messageId": f"message-{number}", "body": request["MessageBody"]}
            self.messages.append(Message(now + request["DelaySeconds"], record))
        self._queued = len(queue)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not (self.records or self.messages)

    def take_due(self, now: float) -> list[Message]:
        """The messages whose time has come."""
        due = [message for message in self.messages if message.due <= now]
        self.messages = [message for message in self.messages if message.due > now]
        return due

    def dead(self) -> list[dict[str, Any]]:
        """The messages of the queue of the dead, as records."""
        letters = self._aws.messages.get(DEAD_QUEUE, [])
        return [
            {"messageId": f"letter-{number}", "body": request["MessageBody"]}
            for number, request in enumerate(letters)
        ]


def is_new(record: dict[str, Any]) -> bool:
    """Whether the mapping's filter lets a record of the alerts table's stream through."""
    return bool(record["dynamodb"].get("NewImage", {}).get("outbox") == {"S": "new"})


def is_mark(operation: str, request: dict[str, Any]) -> bool:
    """Whether a call marks an alert as sent."""
    return operation == "UpdateItem" and "notified_at = " in request["UpdateExpression"]


@contextmanager
def even_pauses() -> Iterator[None]:
    """No dice for the pauses between attempts: a run's course stays the same."""
    with mock.patch.object(attempts, "random", SimpleNamespace(random=lambda: 0.5)):
        yield


def send_new(services: Services, aws: Aws, seen: int) -> int:
    """Deliver the alerts behind the first `seen` changes, without any fault. Returns how many
    changes there are."""
    alerts = new_alerts({"Records": aws.alert_stream[seen:]})
    done = services.deliver.new(alerts, math.inf)
    assert (done.retried, done.dead, done.deferred, done.failed) == (0, 0, 0, ())
    return len(aws.alert_stream)
