"""The outbox: one queue per key with the lines that the sink has not acknowledged.

A key's lines leave in the order of arrival, and an unacknowledged record stays at the head of its
queue. So a failed record delays only the lines behind it.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from producer.records import Limits, Record, first_record, is_full
from producer.spool import Spool
from producer.wire import Line

CAPACITY = 100_000
SPOOL_CAPACITY = 2_000_000
_WINDOW = 20_000
_NOTHING: Mapping[str, str] = {}


class Outbox:
    """A bounded queue between one source and one sender. Safe for those two threads.

    With a spool every line is first written to disk. About 20,000 lines, the oldest, are in memory;
    the others are read from the spool as these leave. Lines of an earlier run come first.
    """

    def __init__(
        self,
        key_of: Callable[[str], str],
        capacity: int | None = None,
        spool: Spool | None = None,
        window: int = _WINDOW,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._key_of = key_of
        self._capacity = capacity or (SPOOL_CAPACITY if spool else CAPACITY)
        self._spool = spool
        self._window = window
        self._queues: dict[str, deque[Line]] = {}
        self._next_due = math.inf
        self._news = False
        self._changed = threading.Condition()
        self._pending = spool.count() if spool else 0
        self._in_memory = 0
        self._last_read = 0
        self._closed = False
        if spool:
            self._refill(spool)

    @property
    def pending(self) -> int:
        """Return the number of unacknowledged lines."""
        return self._pending

    @property
    def is_full(self) -> bool:
        """Return whether the outbox is full, so that the source has to wait."""
        return self._pending >= self._capacity

    def put(
        self,
        lines: Sequence[Line],
        stop: threading.Event,
        latest: Mapping[str, str] = _NOTHING,
        facts: Mapping[str, str] = _NOTHING,
    ) -> None:
        """Add lines. If the outbox is full, wait for room first, or until `stop` is set.

        `latest` (last timestamps) and `facts` (the position in a recording) are spooled with the
        lines. Raises SpoolError if the spool cannot be written.
        """
        with self._changed:
            while self.is_full and not stop.is_set():
                self._changed.wait(0.2)
            if self._spool is not None:
                lines = self._spool.append(lines, latest, facts)
            self._pending += len(lines)
            self._news = True
            if self._spool is None or self._pending - len(lines) == self._in_memory < self._window:
                self._append(lines)
            self._changed.notify_all()

    def _append(self, lines: Sequence[Line]) -> None:
        for line in lines:
            key = self._key_of(line.symbol)
            queue = self._queues.get(key)
            if queue is None:
                queue = self._queues[key] = deque()
            queue.append(line)
        self._in_memory += len(lines)
        if lines:
            self._last_read = lines[-1].row

    def _refill(self, spool: Spool) -> None:
        """Read more lines from the spool if there are any and memory is at most half full."""
        if self._in_memory < self._pending and self._in_memory <= self._window // 2:
            self._append(spool.after(self._last_read, self._window))

    def take(self, limits: Limits, ready: Callable[[str], bool]) -> list[Record]:
        """Return the records of the next request: at most one per key, the longest waiting keys
        first.

        The request is empty if nothing may be sent now. Lines stay in the outbox until they are
        acknowledged. A key is skipped if `ready` is false for it or its ticks wait for others.
        """
        with self._changed:
            now = self._now()
            records: list[Record] = []
            room = limits.request_bytes
            self._next_due = math.inf
            self._news = False
            for key, queue in self._queues.items():
                if not ready(key):
                    continue
                record = self._due_record(key, queue, limits, now)
                if record is None:
                    continue
                room -= record.size
                if records and room < 0:
                    break
                records.append(record)
                if len(records) == limits.records:
                    break
            return records

    def _due_record(
        self, key: str, queue: deque[Line], limits: Limits, now: float
    ) -> Record | None:
        """Return the record at the head of a queue; None while the record's ticks wait for
        others."""
        head = _head(queue, limits)
        record = first_record(key, head, limits)
        due = queue[0].since + limits.flush_seconds
        if self._closed or now >= due or queue[0].is_bar or is_full(record, head, limits):
            return record
        self._next_due = min(self._next_due, due)
        return None

    def acknowledge(self, records: Sequence[Record]) -> None:
        """Remove acknowledged records. The remaining lines of their keys move behind those of all
        other keys."""
        if self._spool is not None and records:
            self._spool.delete(line.row for record in records for line in record.lines)
        with self._changed:
            for record in records:
                self._drop_head(record)
            if self._spool is not None:
                self._refill(self._spool)
            self._changed.notify_all()

    def _drop_head(self, record: Record) -> None:
        queue = self._queues.pop(record.key)
        for _ in record.lines:
            queue.popleft()
        if queue:
            self._queues[record.key] = queue
        self._pending -= len(record.lines)
        self._in_memory -= len(record.lines)

    def close(self) -> None:
        """Record that no more lines will come, so that ticks no longer wait for others."""
        with self._changed:
            self._closed = True
            self._news = True
            self._changed.notify_all()

    def left(self) -> list[Line]:
        """Return the unacknowledged lines in memory. Each key's lines are in order."""
        with self._changed:
            return [line for queue in self._queues.values() for line in queue]

    def waiting(self) -> set[str]:
        """Return the symbols with unacknowledged bars in memory."""
        with self._changed:
            queues = self._queues.values()
            return {line.symbol for queue in queues for line in queue if line.is_bar}

    @property
    def is_drained(self) -> bool:
        """Return whether the outbox is closed and all lines are acknowledged."""
        return self._closed and not self._pending

    def wait(self, seconds: float) -> None:
        """Wait at most `seconds` for lines to send. The wait ends when lines have come since the
        last `take`, or when a tick has waited long enough for others."""
        with self._changed:
            until_due = max(0.0, self._next_due - self._now())
            self._changed.wait_for(lambda: self._news, min(seconds, until_due))


def _head(queue: deque[Line], limits: Limits) -> Sequence[Line]:
    """Return the lines of a queue from which the next record is taken. They are up to 2,000 bars,
    whose number only a record's size limits, or `limits.lines` ticks."""
    return tuple(islice(queue, 2000 if queue[0].is_bar else limits.lines))
