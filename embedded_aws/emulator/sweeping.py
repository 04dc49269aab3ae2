"""Deletes expired data, as AWS does on its own, and shrinks the emulator's file.

Each step is a short transaction, so that a request waits for one step at most.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from embedded_aws.emulator.database import transaction

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.05
"""Seconds between two steps, in which requests can run."""

MOST_FREE_PAGES = 1000
"""The most free pages (of 4 KB) that stay in the file for reuse."""

PAGES = 500
"""The most free pages that one step returns to the file system."""


class Task(Protocol):
    """Deletes one kind of expired data."""

    name: str

    def step(self, now: float) -> int:
        """Process a bounded part of what has expired at an epoch second. Return the size of that
        part, or 0 when nothing remains."""
        ...


class FreePages:
    """Returns the file's free pages, which deletions leave, to the file system."""

    name = "pages"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def step(self, now: float) -> int:  # noqa: ARG002  # pages have no age
        """Return up to PAGES free pages to the file system. Return how many.

        Return 0 if at most MOST_FREE_PAGES are free, or if an older file cannot shrink in steps.
        """
        free = self._number("freelist_count")
        if free <= MOST_FREE_PAGES or self._number("auto_vacuum") != 2:
            return 0
        self._connection.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
        return free - self._number("freelist_count")

    def _number(self, pragma: str) -> int:
        return int(self._connection.execute(f"PRAGMA {pragma}").fetchone()[0])


class Sweeping:
    """Runs the steps of all tasks, each in its own transaction under the emulator's lock."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        lock: threading.Lock,
        tasks: Sequence[Task],
        swept: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._tasks = tasks
        self._swept = swept

    def start(self, every_seconds: float, clock: Callable[[], float]) -> None:
        """Sweep every `every_seconds` in a thread."""
        threading.Thread(
            target=self._repeat, args=(every_seconds, clock), name="sweeping", daemon=True
        ).start()

    def sweep(self, now: float, pause_seconds: float = 0.0) -> dict[str, int]:
        """Repeat each task's steps until nothing has expired at the epoch second `now`, and pause
        after each step. Return the counts by task."""
        done = {}
        for task in self._tasks:
            done[task.name] = 0
            while count := self._step(task, now):
                done[task.name] += count
                threading.Event().wait(pause_seconds)
        self._swept()
        return done

    def _step(self, task: Task, now: float) -> int:
        with self._lock, transaction(self._connection):
            return task.step(now)

    def _repeat(self, every_seconds: float, clock: Callable[[], float]) -> None:
        while True:
            threading.Event().wait(every_seconds)
            try:
                self.sweep(clock(), PAUSE_SECONDS)
            except sqlite3.Error:
                logger.exception("cannot delete what has expired; trying again")
