"""Asks a service for its symbols' splits and dividends, once per symbol and UTC day."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from producer.reasons import reason
from producer.sources.pushed import http
from producer.status import Status
from producer.throttling import TokenBucket
from producer.wire import WireTick
from producer.workers import Workers

Told = Callable[[str, datetime], list[WireTick]]
"""Takes a symbol and an instant; returns the symbol's actions up to it, as known since then."""

PAUSE = timedelta(minutes=15)
"""The pause after a failure, in which no request is made."""

DEADLINE_SECONDS = 60.0
"""The time limit of all requests about one symbol together."""

_OF_THE_SERVICE = (http.Throttled, http.KeysRefused, OSError)
"""Failures that say nothing about the symbol: it is asked again after the pause, not the next
day."""

_THREADS = 2
_START = datetime.min.replace(tzinfo=UTC)


class ActionQuestions:
    """Asks a service for the splits and dividends of one symbol after another. `time` returns the
    time of day."""

    def __init__(
        self, status: Status, told: Told, bucket: TokenBucket, time: Callable[[], datetime]
    ) -> None:
        self._status = status
        self._told = told
        self._bucket = bucket
        self._time = time
        self._workers: Workers[list[WireTick]] = Workers(_THREADS)
        self._asked: dict[str, date] = {}
        self._not_before = _START

    def ask(self, symbols: Iterable[str], stop: threading.Event) -> list[WireTick] | None:
        """Ask about the first symbol that is due, and return its splits and dividends.

        Return an empty list after a failure, which is reported. Return None if no symbol is due or
        no request may be made.
        """
        now = self._time()
        if now < self._not_before:
            return None
        symbol = next((name for name in symbols if self._asked.get(name) != now.date()), None)
        if symbol is None or not self._bucket.take(1, stop):
            return None
        self._asked[symbol] = now.date()
        answers = self._workers.ask(
            lambda name: self._told(name, now), [symbol], DEADLINE_SECONDS, stop
        )
        answer = answers[symbol]
        if not isinstance(answer, Exception):
            return answer
        self._failed(symbol, answer, now)
        return []

    def _failed(self, symbol: str, error: Exception, now: datetime) -> None:
        self._not_before = now + PAUSE
        when = "tomorrow"
        if isinstance(error, _OF_THE_SERVICE):
            self._asked.pop(symbol, None)
            when = "in 15 minutes"
        told = f"{symbol}: no splits and dividends: {reason(error)}; asked again {when}"
        self._status.problem(told, error)

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true."""
        self._asked = {name: day for name, day in self._asked.items() if not drops(name)}
