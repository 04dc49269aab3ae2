"""Wakes pollers of streams and queues as soon as something was put, if that is reported."""

from __future__ import annotations

import logging
import threading

from embedded_aws.process import EmulatorControl

logger = logging.getLogger(__name__)

LONG_POLL_SECONDS = 10.0


class Wakeups:
    """A generation that increases with each change; pollers wait for it to pass theirs.

    Without a control (another emulator, or AWS) it never increases, and pollers poll again after
    `poll_seconds`, as Lambda does about once a second.
    """

    def __init__(self, control: EmulatorControl | None, poll_seconds: float = 1.0) -> None:
        self._control = control
        self._poll_seconds = poll_seconds
        self._condition = threading.Condition()
        self._stopped = False
        self.generation = 0

    @property
    def tells(self) -> bool:
        """Return whether changes are reported; otherwise pollers have to check."""
        return self._control is not None

    def start(self) -> None:
        """Follow the changes in a thread."""
        if self._control is not None:
            threading.Thread(target=self._follow, name="wakeups", daemon=True).start()

    def wait(self, seen: int, until_seconds: float | None) -> None:
        """Wait for a generation after `seen`, `until_seconds` from now, or the stop."""
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
        """Release every waiter."""
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
