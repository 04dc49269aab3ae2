"""Count an invocation's alerts above the limits, and log the counts in one line."""

from __future__ import annotations

import logging
import threading
from collections import Counter

from chalicelib.domain.detection import Outcome

log = logging.getLogger("ticktape.detect")

MOST_NAMED = 10
"""The log line names at most this many rules and symbols: those with the most alerts."""


class AlertExcess:
    """Counts alerts above the limits. Threads share it. The counts are logged together, since a log
    line for each symbol would be a flood."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dropped: Counter[str] = Counter()
        self._unsent: Counter[str] = Counter()
        self._symbols: Counter[str] = Counter()
        self._last = ""

    def note(self, symbol: str, outcome: Outcome) -> None:
        """Count the alerts above the limits that one step of a symbol had. Call this after writing
        the state of the step."""
        if not outcome.dropped and not outcome.unsent:
            return
        with self._lock:
            self._dropped.update(outcome.dropped)
            self._unsent.update(outcome.unsent)
            self._symbols[symbol] += 1
            self._last = max(self._last, outcome.state.last_timestamp)

    @property
    def dropped(self) -> int:
        """Return the number of alerts that were not recorded."""
        return self._dropped.total()

    @property
    def unsent(self) -> int:
        """Return the number of alerts that were recorded but not sent."""
        return self._unsent.total()

    def log_counts(self) -> None:
        """Log the counts by rule in one line, if there are any."""
        if not self._symbols:
            return
        log.error(
            "alerts are too many, up to %s, of %s; dropped: %s; recorded and not sent: %s",
            self._last,
            _named(self._symbols, "%(name)s"),
            _named(self._dropped),
            _named(self._unsent),
        )


def _named(counted: Counter[str], form: str = "%(count)d of %(name)s") -> str:
    """Return the names with the highest counts and how many others there are; "none" if empty."""
    most = counted.most_common(MOST_NAMED)
    named = ", ".join(form % {"name": name, "count": count} for name, count in most)
    left = len(counted) - len(most)
    return f"{named} and {left} more" if left else named or "none"
