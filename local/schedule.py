"""The scheduled function of the running system: some time after the start, then once a day."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from local.event_sources.scheduling import call, scheduled_event

log = logging.getLogger(__name__)

AFTER_START = timedelta(minutes=1)
"""The start is for what a person waits for."""


class Schedule:
    """Calls compact from a thread of its own. A run that is cut off is done again next time."""

    def __init__(self, handler: Callable[[dict[str, Any], Any], Any], region: str) -> None:
        self._handler = handler
        self._region = region
        self._stop = threading.Event()

    def start(self) -> None:
        """Wait for the first time."""
        threading.Thread(target=self._run, name="compact", daemon=True).start()

    def stop(self) -> None:
        """Begin no further run."""
        self._stop.set()

    def _run(self) -> None:
        wait = AFTER_START
        while not self._stop.wait(wait.total_seconds()):
            try:
                event = scheduled_event(datetime.now(UTC), self._region)
                call(self._handler, "compact", event)
            except Exception:  # as with Lambda, the next run does what this one has not done
                if not self._stop.is_set():
                    log.exception("compact failed; the next run does it again")
            wait = until_next(datetime.now(UTC))


def until_next(now: datetime) -> timedelta:
    """From now to the next 06:30 UTC, when the day before is over everywhere."""
    due = now.replace(hour=6, minute=30, second=0, microsecond=0)
    return (due if due > now else due + timedelta(days=1)) - now
