"""How long a run polls: until its own minute ends, so that it is over when the next run starts.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.times import from_text
from producer.errors import UsageError

MINUTE = timedelta(minutes=1)
POLLING = timedelta(seconds=57)
"""Polling time of each minute; the rest is for sending what waits and for the last writes."""

CLOSING_SECONDS = 8.0
"""The longest time that a run needs after it has stopped polling."""

LEAST_SECONDS = 2.0
"""The least time in which a request can be answered."""

LEAST_TIMEOUT_SECONDS = 20.0

IMPLAUSIBLE = timedelta(minutes=10)
"""An event this much older than the clock means that the event is wrong, not the clock."""


def polling_seconds(event: Mapping[str, Any], now: datetime, remaining_seconds: float) -> float:
    """Return for how many seconds a run started by `event` at `now` polls; below `LEAST_SECONDS` if
    its minute is over.

    A scheduled event's `time` is the beginning of the minute; an event without one begins now.
    Raises UsageError if the function's timeout leaves no time.
    """
    if remaining_seconds < LEAST_TIMEOUT_SECONDS:
        raise UsageError(
            f"the function has {remaining_seconds:g} s left; allowed: a timeout of "
            f"{LEAST_TIMEOUT_SECONDS:g} s or more"
        )
    ends = _beginning(event, now) + POLLING
    return min((ends - now).total_seconds(), remaining_seconds - CLOSING_SECONDS)


def _beginning(event: Mapping[str, Any], now: datetime) -> datetime:
    try:
        scheduled = from_text(str(event["time"]))
    except (KeyError, ValueError):
        return now
    return scheduled if timedelta() <= now - scheduled < IMPLAUSIBLE else now
