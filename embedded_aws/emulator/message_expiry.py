"""Deletes SQS messages that are older than the retention period of their queue."""

from __future__ import annotations

from collections.abc import Callable

from embedded_aws.emulator.trimming import Retention


class MessageExpiry:
    """Deletes expired messages. moto alone checks a message only when it is received."""

    name = "messages"

    def __init__(self, retention: Retention, save: Callable[[bool], None]) -> None:
        from moto.sqs.models import SQSBackend

        self._retention = retention
        self._save = save
        SQSBackend.is_message_valid_based_on_retention_period = lambda *_: True

    def step(self, now: float) -> int:
        """Delete the expired messages of one queue. Return 0 once no queue has any."""
        from moto.sqs.models import sqs_backends

        backends = [backend for *_, backend in sqs_backends.iter_backends()]
        for queue in [queue for backend in backends for queue in backend.queues.values()]:
            before = 1000.0 * self._retention.bound(now, float(queue.message_retention_period))
            old = [message for message in queue._messages if message.sent_timestamp < before]
            if old:
                gone = {message.id for message in old}
                queue._messages = [one for one in queue._messages if one.id not in gone]
                queue.pending_messages.difference_update(old)
                self._save(True)
                return len(old)
        return 0
