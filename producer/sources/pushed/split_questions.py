"""Asks services whether symbols were split, in a thread apart from the one that sends prices."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from producer.reasons import reason
from producer.split_watch import SplitWatch
from producer.status import Status
from producer.throttling import TokenBucket
from producer.wire import WireTick

MOST_HELD = 200
"""The most ticks of a symbol that wait for an answer. If there are more, all are sent without
it."""


class _Answer(NamedTuple):
    symbol: str
    date: str
    split: str | None


class SplitQuestions:
    """Adds splits to pushed ticks.

    A service that lists splits is asked at most once per symbol and session. A symbol's ticks wait
    for the answer; ticks of other symbols do not. `time` returns the time of day. `split` is called
    with each symbol that was split.
    """

    def __init__(
        self,
        status: Status,
        listed: Callable[[str], str | None],
        bucket: TokenBucket,
        time: Callable[[], datetime],
        split: Callable[[str], None],
    ) -> None:
        self._status = status
        self._listed = listed
        self._bucket = bucket
        self._time = time
        self._split = split
        self._watch = SplitWatch(status)
        self._held: dict[str, list[WireTick]] = {}
        self._asked: dict[str, str] = {}
        self._questions: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()

    def learn(self, bars: Sequence[WireTick]) -> None:
        """Record the splits in historical bars."""
        self._watch.learn(bars)

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true."""
        for name in list(filter(drops, self._held)):
            del self._held[name]

    def passing(self, ticks: Sequence[WireTick]) -> list[WireTick]:
        """Return the ticks that may be sent now, each symbol's in order."""
        passed = self._answered()
        for tick in ticks:
            if self._has_to_wait(tick):
                passed += self._hold(tick)
            else:
                passed += self._seen([tick])
        return passed

    def ask(self, stop: threading.Event) -> bool:
        """Ask the service the first waiting question. Return whether there was one."""
        try:
            symbol, date = self._questions.get_nowait()
        except queue.Empty:
            return False
        split = None
        if self._bucket.take(1, stop):
            try:
                split = self._listed(symbol)
            except Exception as error:  # noqa: BLE001 - the prices are sent anyway
                told = f"{symbol}: whether it was split is not known: {reason(error)}"
                self._status.problem(told, error)
        self._answers.put(_Answer(symbol, date, split))
        return True

    def _has_to_wait(self, tick: WireTick) -> bool:
        if tick.symbol in self._held:
            return True
        date = self._watch.suggests(tick, self._time())
        if date is None or self._asked.get(tick.symbol, "") >= date:
            return False
        self._asked[tick.symbol] = date
        self._held[tick.symbol] = []
        self._questions.put((tick.symbol, date))
        return True

    def _hold(self, tick: WireTick) -> list[WireTick]:
        held = self._held[tick.symbol]
        held.append(tick)
        return self._seen(self._held.pop(tick.symbol)) if len(held) > MOST_HELD else []

    def _answered(self) -> list[WireTick]:
        """Take the service's answers. Return the ticks that waited for them."""
        passed = []
        while not self._answers.empty():
            answer = self._answers.get_nowait()
            if answer.split is not None:
                self._watch.take(answer.symbol, answer.date, answer.split)
                self._split(answer.symbol)
            passed += self._seen(self._held.pop(answer.symbol, []))
        return passed

    def _seen(self, ticks: list[WireTick]) -> list[WireTick]:
        for symbol in self._watch.seen_in(ticks):
            self._split(symbol)
        return ticks
