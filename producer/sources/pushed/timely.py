"""History with a deadline for each call, even if an answer comes drop by drop."""

from __future__ import annotations

import threading
from datetime import datetime

from producer.sources.pushed.history import History
from producer.wire import Bar, WireTick
from producer.workers import Workers

DEADLINE_SECONDS = 60.0
"""For all requests of one call, each of which waits at most 15 s for the next byte of its
answer."""

_THREADS = 4
"""Threads for calls. One that is beyond its deadline keeps its thread until its answer ends."""


class Timely:
    """A service's history whose calls have a deadline. See History."""

    def __init__(self, history: History, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._history = history
        self._deadline = deadline_seconds
        self._workers: Workers[list[WireTick]] = Workers(_THREADS)
        self.most_minutes = history.most_minutes

    @property
    def served_at(self) -> datetime | None:
        """See History."""
        return self._history.served_at

    def bars(self, symbol: str, bar: Bar, start: datetime, end: datetime) -> list[WireTick]:
        """See History. Raises TimeoutError after the deadline."""

        def ask(_: str) -> list[WireTick]:
            return self._history.bars(symbol, bar, start, end)

        answers = self._workers.ask(ask, [symbol], self._deadline, threading.Event())
        answer = answers[symbol]
        if isinstance(answer, Exception):
            raise answer
        return answer
