"""The alerts of an invocation that were too many: counted, and told in one line of the log."""

from __future__ import annotations

import logging
import threading
from collections import Counter

from chalicelib.domain.detection import Outcome

log = logging.getLogger("ticktape.detect")

MOST_NAMED = 10
"""Rules, and symbols, that a line names: those with the most alerts."""


class AlertExcess:
    """Counts what several threads note. A line for each symbol would be a flood of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dropped: Counter[str] = Counter()
        self._unsent: Counter[str] = Counter()
        self._symbols: Counter[str] = Counter()
        self._last = ""

    def note(self, symbol: str, outcome: Outcome) -> None:
        """Note what a step of a symbol had no place for, once its state has been written."""
        if not outcome.dropped and not outcome.unsent:
            return
        with self._lock:
            self._dropped.update(outcome.dropped)
            self._unsent.update(outcome.unsent)
            self._symbols[symbol] += 1
            self._last = max(self._last, outcome.state.last_timestamp)

    @property
    def dropped(self) -> int:
        """Alerts that are nowhere else to be found."""
        return self._dropped.total()

    @property
    def unsent(self) -> int:
        """Alerts that are recorded and not sent."""
        return self._unsent.total()

    def tell(self) -> None:
        """Say in the log how many of which rules there were."""
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
    """The names that count most, and how many more there are; "none" without any."""
    most = counted.most_common(MOST_NAMED)
    told = ", ".join(form % {"name": name, "count": count} for name, count in most)
    left = len(counted) - len(most)
    return f"{told} and {left} more" if left else told or "none"
