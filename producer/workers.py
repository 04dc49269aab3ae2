"""A few reused threads for many blocking requests, none of which delays the others.

Threads are used since yfinance blocks. They are daemons, since a hanging request must not keep the
process from exiting (concurrent.futures joins its threads at exit).
"""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar


class NotAsked(TimeoutError):  # noqa: N818 - named by what it says
    """The deadline came before any thread was free for the request."""


Result = TypeVar("Result")
Answers = queue.Queue[tuple[str, Result | Exception]]
Asked = tuple[str, Callable[[str], Result], Answers[Result]]
Requests = queue.SimpleQueue[Asked[Result] | None]
"""None ends a thread. A finalizer puts it, maybe in the middle of another `put`: a SimpleQueue
allows that."""


class Workers(Generic[Result]):
    """Runs requests in up to `count` threads. A thread is started when a request finds none free.
    Threads end when nothing refers to this object any more. A request that outlives its deadline is
    abandoned."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._started = 0
        self._free = threading.Semaphore(0)
        self._asked: Requests[Result] = queue.SimpleQueue()
        weakref.finalize(self, _end, self._asked, count).atexit = False

    def ask(
        self,
        function: Callable[[str], Result],
        names: Iterable[str],
        deadline_seconds: float,
        stop: threading.Event,
    ) -> dict[str, Result | Exception]:
        """Call `function` for each name, in order, and return each result or error.

        The error is TimeoutError after the deadline, and NotAsked if the request had not started by
        then. Returns early when `stop` is set.
        """
        answers: Answers[Result] = queue.Queue()
        results: dict[str, Result | Exception] = {
            name: TimeoutError(f"no answer within {deadline_seconds:g} s") for name in names
        }
        for name in results:
            self._begin_one()
            self._asked.put((name, function, answers))
        ends = time.monotonic() + deadline_seconds
        left = len(results)
        while left and not stop.is_set() and (wait := ends - time.monotonic()) > 0:
            try:
                name, result = answers.get(timeout=min(wait, 0.1))
            except queue.Empty:
                continue
            results[name] = result
            left -= 1
        results.update({name: NotAsked("not asked in time") for name in self._forget()})
        return results

    def _begin_one(self) -> None:
        """Start a thread for the next request, unless a thread is free or `count` have been
        started."""
        if self._free.acquire(blocking=False) or self._started == self._count:
            return
        name = f"worker-{self._started}"
        given = (self._asked, self._free)
        threading.Thread(target=_work, args=given, name=name, daemon=True).start()
        self._started += 1

    def _forget(self) -> list[str]:
        """Remove the requests that have not started, and return their names."""
        names: list[str] = []
        while True:
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                return names
            if asked is not None:
                names.append(asked[0])


def _work(asked: Requests[Result], free: threading.Semaphore) -> None:
    """Run requests from the queue until None comes."""
    while (one := asked.get()) is not None:
        name, function, answers = one
        try:
            answer: Result | Exception = function(name)
        except Exception as error:  # noqa: BLE001 - the caller gets it
            answer = error
        free.release()
        answers.put((name, answer))
        del one, function, answers, answer


def _end(asked: Requests[Result], count: int) -> None:
    """End all threads of a queue."""
    for _ in range(count):
        asked.put(None)


def without_cut(
    answers: Mapping[str, Result | Exception], stop: threading.Event
) -> dict[str, Result | Exception]:
    """Return the answers that prove something. Requests that `stop` cut off, or that were never
    made, prove nothing."""
    cut = TimeoutError if stop.is_set() else NotAsked
    return {name: answer for name, answer in answers.items() if not isinstance(answer, cut)}
