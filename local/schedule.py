"""The scheduled function of the running system: some time after the start, then once a day."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from embedded_aws.event_sources.scheduling import call, scheduled_event

log = logging.getLogger(__name__)

AFTER_START = timedelta(minutes=1)
"""The start is for what a person waits for."""


AFTER_PART = timedelta(seconds=10)
"""Until the next run when one had no time for all days."""


class Schedule:
    """Calls compact from a thread of its own, and tells people when a run begins and what it did.

    A run that is cut off records how far it got; the next one goes on from there.
    """

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
        """Wait for the first time."""
        threading.Thread(target=self._run, name="compact", daemon=True).start()

    def stop(self) -> None:
        """Begin no further run."""
        self._stop.set()

    def _run(self) -> None:
        wait = AFTER_START
        while not self._stop.wait(wait.total_seconds()):
            left = self._compact()
            wait = AFTER_PART if left else until_next(_now())

    def _compact(self) -> bool:
        """One run. Returns whether it had no time for all days."""
        self._say("compaction (scheduled) begins: finished days of the archive become Parquet")
        try:
            answer = call(self._handler, "compact", scheduled_event(_now(), self._region))
        except Exception as error:  # as with Lambda, the next run does what this one has not done
            if not self._stop.is_set():
                log.exception("compact failed; the next run does it again")
                self._say(f"compaction failed: {str(error).splitlines()[0]}")
            return False
        self._say(told(answer))
        return bool(answer["left"])


def _now() -> datetime:
    return datetime.now(UTC)


def told(answer: Mapping[str, Any]) -> str:
    """What a run did, in one line."""
    if answer["busy"]:
        return "compaction ends: another run is on"
    days = answer["days"]
    if not days:
        return "compaction ends: nothing was left to do"
    which = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    rest = "; more days are left, it goes on shortly" if answer["left"] else ""
    return f"compaction ends: {len(days)} days ({which}), {answer['ticks']} ticks{rest}"


def until_next(now: datetime) -> timedelta:
    """From now to the next 06:30 UTC, when the day before is over everywhere."""
    due = now.replace(hour=6, minute=30, second=0, microsecond=0)
    return (due if due > now else due + timedelta(days=1)) - now
