"""The batch size, window, retries, filter and failure destination of each stream handler.

The decorators in `app.py`, the local poller and the deployment all use this table. The deployment
creates and updates the mappings. The terms are those of AWS Lambda's event source mappings.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class EventSource(msgspec.Struct, frozen=True, kw_only=True):
    """The event source of one handler.

    `maximum_concurrency` is how many of a queue's batches are processed at once; None if only the
    account's limit applies. `filters` are event patterns, any of which accepts a record. `failures`
    says whether dead-lettered records are stored in the failures bucket. Records of `push` are not
    stored, since a late price is worth nothing. -1 means no limit of retries or age.
    """

    handler: str
    kind: Literal["kinesis", "dynamodb", "sqs"]
    batch_size: int
    window_seconds: int = 0
    starting_position: Literal["TRIM_HORIZON", "LATEST"] = "TRIM_HORIZON"
    maximum_retries: int = -1
    maximum_record_age_seconds: int = -1
    bisect: bool = False
    parallelization: int = 1
    maximum_concurrency: int | None = None
    partial_responses: bool = True
    filters: tuple[dict[str, Any], ...] = ()
    failures: bool = True


EVENT_SOURCES: dict[str, EventSource] = {
    source.handler: source
    for source in (
        EventSource(
            handler="ingest_kinesis",
            kind="kinesis",
            batch_size=1000,
            window_seconds=1,
            maximum_retries=8,
            maximum_record_age_seconds=21600,
            bisect=True,
        ),
        EventSource(
            handler="ingest_sqs", kind="sqs", batch_size=10, maximum_concurrency=4, failures=False
        ),
        EventSource(
            handler="detect",
            kind="dynamodb",
            batch_size=1000,
            maximum_retries=8,
            maximum_record_age_seconds=21600,
            bisect=True,
            filters=(
                {
                    "eventName": ["INSERT", "MODIFY"],
                    "dynamodb": {"NewImage": {"complete_from": {"S": [{"exists": True}]}}},
                },
            ),
        ),
        EventSource(
            handler="deliver",
            kind="dynamodb",
            batch_size=100,
            maximum_retries=8,
            maximum_record_age_seconds=21600,
            bisect=True,
            filters=(
                {
                    "eventName": ["INSERT", "MODIFY"],
                    "dynamodb": {"NewImage": {"outbox": {"S": ["new"]}}},
                },
            ),
        ),
        EventSource(
            handler="push",
            kind="dynamodb",
            batch_size=1000,
            starting_position="LATEST",
            maximum_retries=0,
            maximum_record_age_seconds=60,
            failures=False,
            filters=({"eventName": ["INSERT", "MODIFY"]},),
        ),
        EventSource(
            handler="redeliver", kind="sqs", batch_size=10, maximum_concurrency=2, failures=False
        ),
    )
}
"""The event sources by handler, without a stage's settings."""


class Adjustable(msgspec.Struct, frozen=True):
    """A field of a handler's event source that a stage may set, with Lambda's inclusive limits."""

    handler: str
    field: str
    least: int
    most: int


ADJUSTABLE = {
    "ingest_kinesis_batch_size": Adjustable("ingest_kinesis", "batch_size", 1, 10_000),
    "ingest_kinesis_window_seconds": Adjustable("ingest_kinesis", "window_seconds", 0, 300),
    "ingest_kinesis_parallelization": Adjustable("ingest_kinesis", "parallelization", 1, 10),
    "ingest_sqs_batch_size": Adjustable("ingest_sqs", "batch_size", 1, 10),
    "ingest_sqs_concurrency": Adjustable("ingest_sqs", "maximum_concurrency", 2, 1000),
    "detect_batch_size": Adjustable("detect", "batch_size", 1, 10_000),
    "detect_window_seconds": Adjustable("detect", "window_seconds", 0, 300),
    "detect_parallelization": Adjustable("detect", "parallelization", 1, 10),
    "deliver_batch_size": Adjustable("deliver", "batch_size", 1, 10_000),
    "deliver_window_seconds": Adjustable("deliver", "window_seconds", 0, 300),
    "deliver_parallelization": Adjustable("deliver", "parallelization", 1, 10),
    "push_batch_size": Adjustable("push", "batch_size", 1, 10_000),
    "push_window_seconds": Adjustable("push", "window_seconds", 0, 300),
    "redeliver_batch_size": Adjustable("redeliver", "batch_size", 1, 10),
    "redeliver_concurrency": Adjustable("redeliver", "maximum_concurrency", 2, 1000),
}
"""The adjustable fields by the name of their setting. The limits are from
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html,
services-ddb-params.html and, for FIFO queues, services-sqs-parameters.html of the same guide."""


COMPACTION = (30, "*", "*", "*", "?", "*")
"""When compact runs, as EventBridge's cron in UTC. Most runs only merge raw objects."""

COMPACTION_HOURS = (6, 8, 10, 12)
"""The hours (UTC) whose runs also compact. By the first hour the day is over everywhere. The other
runs continue what failed or ran out of time."""
