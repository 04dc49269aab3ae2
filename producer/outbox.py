"""The outbox: lines that the sink has not acknowledged, a queue a key.

A key's lines leave in the order in which they came, and a record that is not acknowledged stays
at the head of its queue: a failed record holds back everything after it, and nothing else.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from producer.records import Limits, Record, first_record
from producer.wire import Line


class Outbox:
    """Bounded queue between one source and one sender. Safe for those two threads."""

    def __init__(self, key_of: Callable[[str], str], capacity: int = 100_000) -> None:
        self._key_of = key_of
        self._capacity = capacity
        self._queues: dict[str, deque[Line]] = {}
        self._waiting_since: dict[str, float] = {}
        self._changed = threading.Condition()
        self._pending = 0
        self._closed = False

    @property
    def pending(self) -> int:
        """Lines that are not acknowledged yet."""
        return self._pending

    @property
    def is_full(self) -> bool:
        """Whether the source has to wait."""
        return self._pending >= self._capacity

    def put(self, lines: Sequence[Line], stop: threading.Event) -> None:
        """Take lines; waits while the outbox is full, unless `stop` is set."""
        with self._changed:
            while self.is_full and not stop.is_set():
                self._changed.wait(0.2)
            self._append(lines)
            self._changed.notify_all()

    def _append(self, lines: Sequence[Line]) -> None:
        now = time.monotonic()
        for line in lines:
            key = self._key_of(line.symbol)
            queue = self._queues.get(key)
            if queue is None:
                queue = self._queues[key] = deque()
                self._waiting_since[key] = now
            queue.append(line)
        self._pending += len(lines)

    def take(self, limits: Limits, ready: Callable[[str], bool]) -> list[Record]:
        """The next request: at most one record a key, the longest waiting keys first.

        The lines stay in the outbox until they are acknowledged. Keys for which `ready` is
        false, and those whose ticks wait for company, are passed over.
        """
        with self._changed:
            now = time.monotonic()
            records: list[Record] = []
            room = limits.request_bytes
            for key, queue in self._queues.items():
                if not ready(key) or self._lingers(key, queue, limits, now):
                    continue
                record = first_record(key, _head(queue, limits), limits)
                room -= record.size
                if records and room < 0:
                    break
                records.append(record)
                if len(records) == limits.records:
                    break
            return records

    def _lingers(self, key: str, queue: deque[Line], limits: Limits, now: float) -> bool:
        if self._closed or not limits.linger_seconds or queue[0].is_bar:
            return False
        waited = now - self._waiting_since[key]
        return len(queue) < limits.ticks_per_record and waited < limits.linger_seconds

    def acknowledge(self, records: Sequence[Record]) -> None:
        """Drop what the sink has taken; the key goes to the end of the row."""
        with self._changed:
            now = time.monotonic()
            for record in records:
                queue = self._queues.pop(record.key)
                for _ in record.lines:
                    queue.popleft()
                if queue:
                    self._queues[record.key] = queue
                    self._waiting_since[record.key] = now
                else:
                    del self._waiting_since[record.key]
                self._pending -= len(record.lines)
            self._changed.notify_all()

    def close(self) -> None:
        """No more lines will come; what waits for company waits no longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_drained(self) -> bool:
        """Whether it is closed and everything was acknowledged."""
        return self._closed and not self._pending

    def wait(self, seconds: float) -> None:
        """Wait until something changes, `seconds` at most."""
        with self._changed:
            if not self.is_drained:
                self._changed.wait(seconds)


def _head(queue: deque[Line], limits: Limits) -> Sequence[Line]:
    """Lines that may go into the next record; all of them for bars."""
    if queue[0].is_bar:
        return tuple(islice(queue, 2000))
    return tuple(islice(queue, limits.ticks_per_record))
