"""A few reused threads for many blocking requests, none of which delays the others.

They are threads, since yfinance blocks, and daemons, since a hanging request must not keep the
process from exiting (concurrent.futures joins its threads at exit).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar


class NotAsked(TimeoutError):  # noqa: N818 - named by what it says
    """The deadline came before a thread was free to ask."""


Result = TypeVar("Result")
Asked = tuple[str, Callable[[str], Result], "queue.Queue[tuple[str, Result | Exception]]"]


class Workers(Generic[Result]):
    """`count` threads. A request that outlives its deadline is abandoned."""

    def __init__(self, count: int) -> None:
        self._asked: queue.Queue[Asked[Result]] = queue.Queue()
        for number in range(count):
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True).start()

    def ask(
        self,
        function: Callable[[str], Result],
        names: Iterable[str],
        deadline_seconds: float,
        stop: threading.Event,
    ) -> dict[str, Result | Exception]:
        """Call `function` for each name, in order.

        Returns each result or error: TimeoutError after the deadline, NotAsked if it was not
        started by then. Returns early when `stop` is set.
        """
        answers: queue.Queue[tuple[str, Result | Exception]] = queue.Queue()
        results: dict[str, Result | Exception] = {
            name: TimeoutError(f"no answer within {deadline_seconds:g} s") for name in names
        }
        for name in results:
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

    def _forget(self) -> list[str]:
        """Remove and return the requests not started by their deadline."""
        names = []
        while True:
            try:
                names.append(self._asked.get_nowait()[0])
            except queue.Empty:
                return names

    def _work(self) -> None:
        while True:
            name, function, answers = self._asked.get()
            try:
                answers.put((name, function(name)))
            except Exception as error:  # noqa: BLE001 - the caller gets it
                answers.put((name, error))


def without_cut(
    answers: Mapping[str, Result | Exception], stop: threading.Event
) -> dict[str, Result | Exception]:
    """Return the answers without those cut off by `stop` or never asked, which prove nothing."""
    cut = TimeoutError if stop.is_set() else NotAsked
    return {name: answer for name, answer in answers.items() if not isinstance(answer, cut)}
