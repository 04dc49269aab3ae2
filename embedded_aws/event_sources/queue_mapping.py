"""An event source mapping from an SQS queue to a handler.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.event_sources.attempts import exponential, failed_identifiers
from embedded_aws.event_sources.invoking import Function
from embedded_aws.event_sources.lambda_events import sqs_record
from embedded_aws.event_sources.mapping import Tally
from embedded_aws.event_sources.settings import Source
from embedded_aws.event_sources.wakeups import Wakeups

logger = logging.getLogger(__name__)

RECEIVE_WAIT_SECONDS = 2
"""Seconds of long polling if changes are not reported. They are few, so that a stop is quick."""

UNREACHABLE_SECONDS = 1.0

RETRY_SLACK_SECONDS = 5.0
"""Seconds for which a failed message is expected once it is visible again."""

_retry_after = exponential(1.0, 30.0)


def failed_messages(response: Any, message_ids: Sequence[str]) -> frozenset[str]:
    """Return the ids of the messages that a handler's answer reports as failed. Return all ids if
    the answer has an unknown one."""
    named = frozenset(failed_identifiers(response))
    return named if named <= set(message_ids) else frozenset(message_ids)


class QueueMapping:
    """Passes the messages of one queue to one function until it is stopped.

    Successful messages are deleted. A failed message becomes visible again after a delay that grows
    with each receipt. This is earlier than the queue's visibility timeout, which is set for AWS.
    The queue's redrive policy counts receipts and moves messages to the dead-letter queue.
    """

    def __init__(
        self, source: Source, sqs: Any, queue_url: str, function: Function, wakeups: Wakeups
    ) -> None:
        self.source = source
        self.function = function
        self.tally = Tally()
        self._sqs = sqs
        self.name = queue_url.rsplit("/", 1)[-1]
        self._url = queue_url
        self._wakeups = wakeups
        self._retry_until = float("-inf")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=source.handler, daemon=True)
        self._arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]

    def start(self) -> None:
        """Start to receive messages."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end after its current batch."""
        self._stop.set()

    def join(self, deadline: float) -> bool:
        """Wait for the thread until `deadline` (monotonic seconds). Return whether it ended."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            generation = self._wakeups.generation
            try:
                if not self._round() and self._wakeups.tells:
                    # A failed message becomes visible without a notification.
                    is_due = time.monotonic() < self._retry_until
                    self._wakeups.wait(generation, 1.0 if is_due else None)
            except (ClientError, BotoCoreError) as error:
                if not self._stop.is_set():
                    logger.warning("cannot use the queue: %s", error)
                    self._stop.wait(UNREACHABLE_SECONDS)

    def _round(self) -> bool:
        """Receive one batch and pass it to the function. Return whether there was a batch."""
        messages = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(self.source.batch_size, 10),
            WaitTimeSeconds=0 if self._wakeups.tells else RECEIVE_WAIT_SECONDS,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if messages:
            self._settle(messages, self._invoke(messages))
        return bool(messages)

    def _invoke(self, messages: Sequence[dict[str, Any]]) -> frozenset[str]:
        identifiers = [message["MessageId"] for message in messages]
        records = [sqs_record(message, self._arn, self.function.region) for message in messages]
        self.tally.invocations += 1
        try:
            response = self.function.invoke(records)
        except Exception:
            logger.exception("%s failed on %d messages", self.function.name, len(messages))
            return frozenset(identifiers)
        return failed_messages(response, identifiers)

    def _settle(self, messages: Sequence[dict[str, Any]], failed: frozenset[str]) -> None:
        done = [message for message in messages if message["MessageId"] not in failed]
        again = [message for message in messages if message["MessageId"] in failed]
        self.tally.records += len(done)
        self.tally.failed_invocations += bool(again)
        if done:
            self._sqs.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(done)
                ],
            )
        for message in again:
            received = int(message["Attributes"]["ApproximateReceiveCount"])
            wait = int(_retry_after(received - 1))
            self._retry_until = max(
                self._retry_until, time.monotonic() + wait + RETRY_SLACK_SECONDS
            )
            self._sqs.change_message_visibility(
                QueueUrl=self._url,
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=wait,
            )
