"""Batch size, window, retries, filter and failure destination of each stream handler.

One table for three readers: the decorators in `app.py`, the deployment step that sets on the
mappings what Chalice cannot express, and the local poller. Terms are those of AWS Lambda's
event source mappings.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class EventSource(msgspec.Struct, frozen=True, kw_only=True):
    """How one handler is fed.

    `filters` are event patterns, any of which lets a record through. `failures` says whether
    records that were given up on go to the failures bucket. -1 retries means without end.
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
        EventSource(handler="ingest_sqs", kind="sqs", batch_size=10, failures=False),
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
    )
}

COMPACTION = (30, "6-12/2", "*", "*", "?", "*")
"""When compact runs, as EventBridge's cron in UTC: once a day is over everywhere, and three times
more, which find nothing to do unless the one before failed or had no time for all."""
