"""A run's time: how long it polls, and whether it may still send."""

from __future__ import annotations

from datetime import timedelta

from producer.collector.clocks import Clocks
from producer.collector.lease import Lease, Taken

LINGER_SECONDS = 18.0
"""A lease outlasts the polling by so much: a request to the sink may begin 2 s after it and lasts
13 s at most, and clocks that are compared by whole seconds may differ by the rest."""

DRAIN_SECONDS = 2.0
"""What waits at a run's end may be sent for so long."""


class Tenure:
    """The time of a container's run.

    It is measured by the monotonic clock, so that a time of day that is set does not change it. A
    container that was frozen is told by the time of day; how long its lease still lasts is then
    asked of the table.
    """

    def __init__(self, lease: Lease, clocks: Clocks) -> None:
        self._lease = lease
        self._clocks = clocks
        self._ends = 0.0
        self._ends_at = clocks.now()
        self._taken: Taken | None = None

    def begin(self, seconds: float) -> None:
        """A run begins that polls for so long."""
        self._taken = None
        self._last(seconds)

    def hold(self, taken: Taken) -> None:
        """The run has the lease."""
        self._taken = taken

    def left(self) -> float:
        """Seconds for which the run still polls; below 0 after that."""
        return self._ends - self._clocks.steady()

    def may_send(self) -> bool:
        """Whether a request to the sink may begin: it ends within the lease.

        Raises what boto3 raises where that has to be asked.
        """
        return self._is_within(DRAIN_SECONDS)

    def asking_left(self) -> float:
        """Seconds for which the source may be asked: none where another run may ask by now.

        Raises as `may_send` does.
        """
        return max(0.0, self.left()) if self._is_within(0.0) else 0.0

    def _is_within(self, more: float) -> bool:
        """Whether the run's time, and so much more, is not over."""
        if self._taken is None or self.left() < -more:
            return False
        if self._ends_at + timedelta(seconds=more) < self._clocks.now():
            seconds = self._lease.seconds_left(self._taken, self._clocks.now())
            self._last(min(self.left(), seconds - LINGER_SECONDS))
        return self.left() >= -more

    def _last(self, seconds: float) -> None:
        self._ends = self._clocks.steady() + seconds
        self._ends_at = self._clocks.now() + timedelta(seconds=seconds)
