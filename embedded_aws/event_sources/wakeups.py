"""When to look at a stream again: when something was put, where that can be told."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

logger = logging.getLogger(__name__)

LONG_POLL_SECONDS = 10.0


class ChangeWaiter(Protocol):
    """What the emulator's control offers."""

    def wait_for_changes(self, seen: int, timeout_seconds: float) -> int:
        """The number of changes, as soon as it differs from `seen`."""
        ...


class Wakeups:
    """A generation that rises with each change; pollers wait for it to pass what they saw.

    Without a waiter (another emulator, or AWS) it never rises, and pollers look again after
    `poll_seconds`, as Lambda does about once a second.
    """

    def __init__(self, waiter: ChangeWaiter | None, poll_seconds: float = 1.0) -> None:
        self._waiter = waiter
        self._poll_seconds = poll_seconds
        self._condition = threading.Condition()
        self._stopped = False
        self.generation = 0

    @property
    def tells(self) -> bool:
        """Whether changes are told; otherwise only looking shows them."""
        return self._waiter is not None

    def start(self) -> None:
        """Follow the changes from a thread of its own."""
        if self._waiter is not None:
            threading.Thread(target=self._follow, name="wakeups", daemon=True).start()

    def wait(self, seen: int, until_seconds: float | None) -> None:
        """Until a generation after `seen`, `until_seconds` from now, or the stop."""
        longest = LONG_POLL_SECONDS if self._waiter else self._poll_seconds
        timeout = longest if until_seconds is None else min(until_seconds, longest)
        with self._condition:
            self._condition.wait_for(
                lambda: self._stopped or self.generation != seen, max(timeout, 0.0)
            )

    def wake(self) -> None:
        """Have every poller look."""
        with self._condition:
            self.generation += 1
            self._condition.notify_all()

    def stop(self) -> None:
        """Let every waiter go."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def _follow(self) -> None:
        seen = -1
        while not self._stopped and self._waiter is not None:
            try:
                count = self._waiter.wait_for_changes(seen, LONG_POLL_SECONDS)
            except (OSError, ValueError) as error:
                if not self._stopped:
                    logger.warning("cannot wait for changes: %s", error)
                    threading.Event().wait(self._poll_seconds)
                self.wake()
                continue
            if count != seen:
                seen = count
                self.wake()
