"""Runs threads in simulated time: one thread runs at a time, and waiting takes no real time."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from chalicelib.services.delivery import lanes

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


_LOCK_SECONDS = 0.01


class SimulatedLock:
    """A lock that a thread may hold while it waits."""

    def __init__(self, time: SimulatedTime) -> None:
        self._time = time
        self._is_held = False

    def __enter__(self) -> None:
        while self._is_held:
            self._time.sleep(_LOCK_SECONDS)
        self._is_held = True

    def __exit__(self, *_: object) -> None:
        self._is_held = False


class SimulatedTime:
    """Simulated seconds since the start. `run` starts threads, whose `sleep` advances the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, int, threading.Lock]] = []
        self._count = itertools.count()
        self._ended = threading.Semaphore(0)
        self._threads = 0
        self._error: BaseException | None = None

    def sleep(self, seconds: float) -> None:
        """Let other threads run until this many seconds have passed."""
        gate = self._gate(self.now + seconds)
        if self._waiting[0][2] is gate:
            self.now = heapq.heappop(self._waiting)[0]
            return
        self._switch()
        gate.acquire()

    def run(self, *threads: Callable[[], None]) -> None:
        """Run threads until all have ended. Raises the error that a thread raised."""
        for each in threads:
            self.start(each)
        self._switch()
        self._ended.acquire()
        if self._error:
            raise self._error

    def start(self, one: Callable[[], None]) -> None:
        """Start a thread, which begins to run when the current one waits."""
        gate = self._gate(self.now)
        self._threads += 1

        def body() -> None:
            gate.acquire()
            try:
                one()
            except BaseException as error:  # noqa: BLE001 - raised by `run`
                self._error = error
            self._threads -= 1
            if self._threads and not self._error:
                self._switch()
            else:
                self._ended.release()

        threading.Thread(target=body, daemon=True).start()

    def in_lanes(
        self, one: Callable[[Item], Outcome], items: Sequence[Item], lane_of: Callable[[Item], str]
    ) -> list[Outcome]:
        """Do what `lanes.in_lanes` does, in simulated time."""
        by_lane: dict[str, list[int]] = {}
        for at, item in enumerate(items):
            by_lane.setdefault(lane_of(item), []).append(at)
        threads = max(lanes.LEAST_A_LANE, lanes.PARALLEL_SENDS // max(1, len(by_lane)))
        results: dict[int, Outcome] = {}
        left = [sum(min(threads, len(places)) for places in by_lane.values())]
        mine = threading.Lock()
        mine.acquire()

        def lane(places: list[int]) -> None:
            while places:
                at = places.pop(0)
                results[at] = one(items[at])
            left[0] -= 1
            if not left[0]:
                heapq.heappush(self._waiting, (self.now, next(self._count), mine))

        for places in by_lane.values():
            for _ in range(min(threads, len(places))):
                self.start(lambda places=places: lane(places))  # type: ignore[misc]
        if left[0]:
            self._switch()
            mine.acquire()
        return [results[at] for at in range(len(items))]

    def _gate(self, at: float) -> threading.Lock:
        gate = threading.Lock()
        gate.acquire()
        heapq.heappush(self._waiting, (at, next(self._count), gate))
        return gate

    def _switch(self) -> None:
        self.now, _, gate = heapq.heappop(self._waiting)
        gate.release()
