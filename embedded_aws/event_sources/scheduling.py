"""Calls a scheduled function as Amazon EventBridge does."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from embedded_aws.event_sources.lambda_events import Context

TIMEOUT_SECONDS = 900.0
"""The most seconds that a Lambda function may run."""


def scheduled_event(now: datetime, region: str, day: str | None = None) -> dict[str, Any]:
    """Return the event of a schedule. `detail` holds the day if one was requested by hand."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [],
        "detail": {} if day is None else {"date": day},
    }


def call(
    handler: Callable[[dict[str, Any], Any], Any], name: str, event: dict[str, Any]
) -> dict[str, Any]:
    """Call a scheduled handler with an event and return its answer. Raises the handler's errors."""
    context = Context(name, timeout_seconds=TIMEOUT_SECONDS, region=str(event["region"]))
    answer: dict[str, Any] = handler(event, context)
    return answer
