"""Runs compaction in the running system: soon after the start, then once a day."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from commands.outcomes import counted
from embedded_aws.event_sources.scheduling import call, scheduled_event

log = logging.getLogger(__name__)

AFTER_START = timedelta(minutes=1)
"""The delay of the first run, so that it does not slow down the start."""

AFTER_PART = timedelta(seconds=10)
"""The delay of the run after one that ran out of time."""


class Schedule:
    """Calls the handler `compact` in a thread, and reports the start and the result of each run.
    After an interrupted run, the next one continues from the recorded progress."""

    def __init__(
        self,
        handler: Callable[[dict[str, Any], Any], Any],
        region: str,
        say: Callable[[str], None],
    ) -> None:
        self._handler = handler
        self._region = region
        self._say = say
        self._stop = threading.Event()

    def start(self) -> None:
        """Start waiting for the first run."""
        threading.Thread(target=self._run, name="compact", daemon=True).start()

    def stop(self) -> None:
        """Start no further run."""
        self._stop.set()

    def _run(self) -> None:
        wait = AFTER_START
        while not self._stop.wait(wait.total_seconds()):
            left = self._compact()
            wait = AFTER_PART if left else until_next(_now())

    def _compact(self) -> bool:
        """Compact once. Return whether time ran out before all days were done."""
        self._say("scheduled compaction started: finished days of the archive become Parquet")
        try:
            answer = call(self._handler, "compact", scheduled_event(_now(), self._region))
        except Exception as error:  # as with Lambda, the next run repeats it
            if not self._stop.is_set():
                log.exception("compact failed; the next run repeats it")
                self._say(f"compaction failed: {str(error).splitlines()[0]}")
            return False
        self._say(summary(answer))
        return bool(answer["left"])


def _now() -> datetime:
    return datetime.now(UTC)


def summary(answer: Mapping[str, Any]) -> str:
    """Describe the result of a run in one line."""
    if answer["busy"]:
        return "compaction skipped: another run holds the lease"
    days = answer["days"]
    if not days:
        return "compaction finished: there was nothing to do"
    which = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    rest = "; more days remain, continuing shortly" if answer["left"] else ""
    done = f"{counted(len(days), 'day')} ({which}), {counted(answer['ticks'], 'tick')}"
    return f"compaction finished: {done}{rest}"


def until_next(now: datetime) -> timedelta:
    """Return the time until the next 06:30 UTC, when the previous day is over everywhere."""
    due = now.replace(hour=6, minute=30, second=0, microsecond=0)
    return (due if due > now else due + timedelta(days=1)) - now
