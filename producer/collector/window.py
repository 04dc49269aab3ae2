"""How long a run polls: its own minute, so that the next run finds nobody there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.times import from_text
from producer.errors import UsageError

MINUTE = timedelta(minutes=1)
POLLING = timedelta(seconds=57)
"""Of each minute; the rest is for what waits to be sent and for the last writes."""

CLOSING_SECONDS = 8.0
"""What a run needs after it has stopped polling, at most."""

LEAST_SECONDS = 2.0
"""Nothing can be asked and answered in less."""

LEAST_TIMEOUT_SECONDS = 20.0

IMPLAUSIBLE = timedelta(minutes=10)
"""An event so much older than the clock says more about the clock than about the event."""


def polling_seconds(event: Mapping[str, Any], now: datetime, remaining_seconds: float) -> float:
    """Seconds for which a run polls that `event` starts at `now`; below `LEAST_SECONDS` where its
    minute is over.

    `time` of a scheduled event is the beginning of the minute; an event without one begins now.
    Raises UsageError where the function's timeout leaves no time.
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
