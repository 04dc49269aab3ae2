"""Calls a scheduled function as EventBridge does."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from embedded_aws.event_sources.lambda_events import Context

TIMEOUT_SECONDS = 900.0
"""The longest that a Lambda function may run."""


def scheduled_event(now: datetime, region: str, day: str | None = None) -> dict[str, Any]:
    """Return a schedule's event; a manually requested day is in `detail`."""
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
    """Call the handler with the event and return its answer. Raises its errors."""
    context = Context(name, timeout_seconds=TIMEOUT_SECONDS, region=str(event["region"]))
    answer: dict[str, Any] = handler(event, context)
    return answer
