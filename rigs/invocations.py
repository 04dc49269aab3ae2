"""Makes Lambda's events and context, at times relative to START."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.times import to_text
from embedded_aws.environment import REGION
from embedded_aws.event_sources.lambda_events import event, kinesis_record, sqs_record

START = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
SHARD = "shardId-000000000000"
NEVER = float("inf")
"""A deadline that never comes."""


def instant(seconds: float = 0) -> datetime:
    """Return the instant `seconds` after START."""
    return START + timedelta(seconds=seconds)


def at(seconds: float = 0) -> str:
    """Return the instant `seconds` after START, as stored text."""
    return to_text(instant(seconds))


def kinesis_event(
    payloads: Sequence[bytes], first: int = 0, arrival: float = 0, shard: str = SHARD
) -> dict[str, Any]:
    """Return a batch of one shard, as Lambda passes it. Sequence numbers count from `first`; all
    records arrived `arrival` seconds after START."""
    return event(
        [
            kinesis_record(
                {
                    "SequenceNumber": str(first + n),
                    "PartitionKey": "AAPL",
                    "Data": data,
                    "ApproximateArrivalTimestamp": instant(arrival),
                },
                shard,
                "arn:aws:kinesis:us-east-1:123456789012:stream/ticks",
                REGION,
            )
            for n, data in enumerate(payloads)
        ]
    )


def sqs_event(payloads: Sequence[bytes], first: int = 0, arrival: float = 0) -> dict[str, Any]:
    """Return a batch of a FIFO queue, as Lambda passes it. `first` and `arrival` are as in
    `kinesis_event`."""
    sent = str(round(instant(arrival).timestamp() * 1000))
    return event(
        [
            sqs_record(
                {
                    "MessageId": f"message-{first + n}",
                    "ReceiptHandle": f"handle-{first + n}",
                    "Body": data.decode(),
                    "Attributes": {
                        "ApproximateReceiveCount": "1",
                        "SentTimestamp": sent,
                        "SequenceNumber": str(first + n),
                        "MessageGroupId": "0",
                        "SenderId": "AIDAIO23YVJENQZJOL4VO",
                        "MessageDeduplicationId": str(first + n),
                        "ApproximateFirstReceiveTimestamp": sent,
                    },
                    "MD5OfBody": "",
                },
                "arn:aws:sqs:us-east-1:123456789012:ticks.fifo",
                REGION,
            )
            for n, data in enumerate(payloads)
        ]
    )


class LambdaContext:
    """The context that Lambda passes to a handler with its event."""

    def __init__(self, request_id: str = "request-1", milliseconds: int = 60_000) -> None:
        self.aws_request_id = request_id
        self.function_name = "test"
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the remaining milliseconds, which a test may set."""
        return self.milliseconds
