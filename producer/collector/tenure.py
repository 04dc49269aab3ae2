"""Decides how long a run of the collector polls and whether it may still send.

A run polls until its own minute ends, so that it is over when the next run starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.times import from_text
from producer.collector.clocks import Clocks
from producer.collector.lease import Lease, Taken
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
    """Return for how many seconds the run that `event` starts at `now` polls.

    The result is below `LEAST_SECONDS` if the run's minute is over. A scheduled event's `time` is
    the beginning of the minute; an event without a time begins now. Raises UsageError if the
    function's timeout leaves no time.
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


LINGER_SECONDS = 18.0
"""Seconds by which a lease outlasts the polling.

A request to the sink may start 2 s later and last 13 s; the rest covers clocks that are compared by
whole seconds.
"""

DRAIN_SECONDS = 2.0
"""Seconds for sending what waits at a run's end."""


class Tenure:
    """Measures the time of a container's runs.

    The run is measured by the monotonic clock, so that changes of the time of day have no effect.
    If the time of day shows that the container was frozen, the table says how long the lease still
    lasts.
    """

    def __init__(self, lease: Lease, clocks: Clocks) -> None:
        self._lease = lease
        self._clocks = clocks
        self._ends = 0.0
        self._ends_at = clocks.now()
        self._taken: Taken | None = None

    def begin(self, seconds: float) -> None:
        """Start a run that polls for `seconds`."""
        self._taken = None
        self._last(seconds)

    def hold(self, taken: Taken) -> None:
        """Record that the run holds this lease."""
        self._taken = taken

    def left(self) -> float:
        """Return the seconds in which the run still polls; negative once they are over."""
        return self._ends - self._clocks.steady()

    def may_send(self) -> bool:
        """Return whether a request to the sink that starts now ends within the lease. Raises
        boto3's errors if the lease has to be read and that fails."""
        return self._is_within(DRAIN_SECONDS)

    def asking_left(self) -> float:
        """Return the seconds in which the source may be asked. Return 0 if another run may be
        asking by now. Raises the errors of `may_send`."""
        return max(0.0, self.left()) if self._is_within(0.0) else 0.0

    def _is_within(self, more: float) -> bool:
        """Return whether the run's time plus `more` seconds is not over yet. Reads the table if the
        container may have been frozen."""
        if self._taken is None or self.left() < -more:
            return False
        if self._ends_at + timedelta(seconds=more) < self._clocks.now():
            seconds = self._lease.seconds_left(self._taken, self._clocks.now())
            self._last(min(self.left(), seconds - LINGER_SECONDS))
        return self.left() >= -more

    def _last(self, seconds: float) -> None:
        self._ends = self._clocks.steady() + seconds
        self._ends_at = self._clocks.now() + timedelta(seconds=seconds)
