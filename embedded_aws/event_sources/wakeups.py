"""Wakes pollers when something is put into a stream or queue, if the emulator reports changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Protocol

from embedded_aws.backlog import Position, Waiting

logger = logging.getLogger(__name__)

LONG_POLL_SECONDS = 10.0


class Control(Protocol):
    """The emulator's own operations, as in `EmulatorControl`."""

    def wait_for_changes(self, seen: int, timeout_seconds: float) -> int:
        """Return the number of changes as soon as it differs from `seen` or the time is up."""

    def waiting(self, streams: Sequence[Position], queues: Sequence[str]) -> Waiting:
        """Return the number and age of the records after these positions and in these queues."""

    def trim(self, kind: str, name: str, shard: str, upto: str, older_than_seconds: float) -> int:
        """Delete a shard's records up to `upto` that are old enough. Return their number."""


class Wakeups:
    """Counts changes as a `generation`. A poller waits until it differs from the last one seen.

    If `control` is None (another emulator, or AWS), the generation does not change. Pollers then
    poll again after `poll_seconds`, as Lambda does about once a second.
    """

    def __init__(self, control: Control | None, poll_seconds: float = 1.0) -> None:
        self._control = control
        self._poll_seconds = poll_seconds
        self._condition = threading.Condition()
        self._stopped = False
        self.generation = 0

    @property
    def tells(self) -> bool:
        """Return whether changes are reported. If not, pollers have to poll."""
        return self._control is not None

    def start(self) -> None:
        """Start a thread that follows the emulator's changes."""
        if self._control is not None:
            threading.Thread(target=self._follow, name="wakeups", daemon=True).start()

    def wait(self, seen: int, until_seconds: float | None) -> None:
        """Wait for a generation other than `seen` or for `stop`, at most `until_seconds`."""
        longest = LONG_POLL_SECONDS if self._control else self._poll_seconds
        timeout = longest if until_seconds is None else min(until_seconds, longest)
        with self._condition:
            self._condition.wait_for(
                lambda: self._stopped or self.generation != seen, max(timeout, 0.0)
            )

    def wake(self) -> None:
        """Wake every poller."""
        with self._condition:
            self.generation += 1
            self._condition.notify_all()

    def stop(self) -> None:
        """Let every waiting poller continue."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def _follow(self) -> None:
        seen = -1
        while not self._stopped and self._control is not None:
            try:
                count = self._control.wait_for_changes(seen, LONG_POLL_SECONDS)
            except (OSError, ValueError) as error:
                if not self._stopped:
                    logger.warning("cannot wait for changes: %s", error)
                    threading.Event().wait(self._poll_seconds)
                self.wake()
                continue
            if count != seen:
                seen = count
                self.wake()
