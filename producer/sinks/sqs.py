"""Sends to an SQS FIFO queue: ten messages per request, each with ticks of a group of symbols.

A stable hash assigns each symbol to a message group, so a symbol's messages stay in order. The
deduplication id is derived from the body. If SQS accepts a message but its answer is lost, the
retry is not delivered twice within SQS's five minutes. An attribute holds the time of sending,
since SQS loses that when a message passes a dead-letter queue.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Sequence
from typing import Any

from chalicelib.domain.sendings import ATTRIBUTE, Sending, Sendings
from producer.errors import SinkUnavailable
from producer.records import Limits, Record
from producer.sinks import aws

GROUPS = 10
_LINES = 1000


class SqsSink:
    """Sends to one FIFO queue."""

    def __init__(
        self, queue_url: str, ticks_per_record: int = _LINES, flush_seconds: float = 0
    ) -> None:
        self.name = f"sqs:{queue_url.rstrip('/').rsplit('/', 1)[-1]}"
        # Ten messages and 256 KiB a request. SQS allows more by now, but not everywhere.
        self.limits = Limits(
            records=10,
            request_bytes=240_000,
            record_bytes=24_000,
            ticks_per_record=ticks_per_record,
            lines_per_record=_LINES,
            flush_seconds=flush_seconds,
        )
        self._queue_url = queue_url
        self._sendings = Sendings(lambda: time.time_ns() // 1_000_000)
        self._client: Any = aws.client("sqs")

    def key(self, symbol: str) -> str:
        """Return the symbol's message group: the crc32 of the symbol modulo ten."""
        return f"g{zlib.crc32(symbol.encode()) % GROUPS}"

    def send(self, records: Sequence[Record]) -> Sequence[str | None]:
        """Send one SendMessageBatch request. See Sink.send."""
        from botocore.exceptions import BotoCoreError, ClientError

        entries = [
            _entry(number, record, self._sendings.next()) for number, record in enumerate(records)
        ]
        try:
            response = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise aws.failure(f"queue {self._queue_url}", error) from error
        taken = {entry["Id"] for entry in response.get("Successful", ())}
        failed = {entry["Id"]: entry.get("Code", "failed") for entry in response.get("Failed", ())}
        if len(taken) + len(failed) != len(entries):
            raise SinkUnavailable(f"queue {self._queue_url}: the answer was cut off")
        return [failed.get(entry["Id"]) for entry in entries]


def _entry(number: int, record: Record, sending: Sending) -> dict[str, Any]:
    body = record.payload
    return {
        "Id": str(number),
        "MessageBody": body.decode(),
        "MessageGroupId": record.key,
        "MessageDeduplicationId": hashlib.sha256(body).hexdigest(),
        "MessageAttributes": {ATTRIBUTE: {"DataType": "String", "StringValue": str(sending)}},
    }
