"""Tracks a shard's records from reading to finished batches. Pure: callers pass the time.

Records with the same partition key stay in order: they go into one lane, which has at most one
batch in flight. With a parallelization factor of one the shard has one lane and stays in order.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Sequence

from embedded_aws.event_sources.attempts import Attempt, Backoff, GivenUp, Outcome, settle
from embedded_aws.event_sources.filters import passes
from embedded_aws.event_sources.progress import Progress
from embedded_aws.event_sources.records import PAYLOAD_LIMIT, StreamRecord
from embedded_aws.event_sources.settings import Source


class Lane:
    """Gathers records into batches. Retries come before newer records."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._gathered: deque[StreamRecord] = deque()
        self._since = 0.0
        self._again: deque[Attempt] = deque()
        self.in_flight = False

    def add(self, record: StreamRecord, now: float) -> None:
        """Add a record, which arrived in this process at `now`."""
        if not self._gathered:
            self._since = now
        self._gathered.append(record)

    @property
    def waiting(self) -> int:
        """Return the number of records that no batch has taken yet."""
        return len(self._gathered)

    def due_at(self) -> float | None:
        """Return when the next batch is due if no more records arrive. Return None if a batch is in
        flight or no record waits."""
        if self.in_flight:
            return None
        if self._again:
            return self._again[0].not_before
        if not self._gathered:
            return None
        return 0.0 if self._is_full() else self._since + self._source.window_seconds

    def take(self, now: float) -> Attempt | None:
        """Return the batch that is due, or None. No other batch is due until it is settled."""
        due = self.due_at()
        if due is None or due > now:
            return None
        self.in_flight = True
        if self._again:
            return self._again.popleft()
        attempt = Attempt(tuple(self._batch()))
        self._since = now
        return attempt

    def put_back(self, attempts: Sequence[Attempt]) -> None:
        """Settle the batch in flight. `attempts` are retried, in order, before newer records."""
        self._again.extendleft(reversed(attempts))
        self.in_flight = False

    def _is_full(self) -> bool:
        if len(self._gathered) >= self._source.batch_size:
            return True
        return sum(record.size_bytes for record in self._gathered) >= PAYLOAD_LIMIT

    def _batch(self) -> list[StreamRecord]:
        batch: list[StreamRecord] = []
        size = 0
        while self._gathered and len(batch) < self._source.batch_size:
            size += self._gathered[0].size_bytes
            if batch and size > PAYLOAD_LIMIT:
                break
            batch.append(self._gathered.popleft())
        return batch


class ShardWorker:
    """The lanes and the checkpoint of a shard. Times are epoch seconds."""

    def __init__(self, source: Source, checkpoint: str | None, backoff: Backoff) -> None:
        self._source = source
        self._backoff = backoff
        self._progress = Progress(checkpoint)
        self._lanes = [Lane(source) for _ in range(source.parallelization)]

    @property
    def checkpoint(self) -> str | None:
        """Return the sequence number up to which all records are finished, or None."""
        return self._progress.checkpoint

    @property
    def idle(self) -> bool:
        """Return whether all records that were read are finished."""
        return self._progress.unfinished == 0

    def room(self) -> int:
        """Return how many records to read, so that a batch waits behind each batch in flight."""
        wanted = self._source.batch_size * len(self._lanes)
        return max(0, wanted - sum(lane.waiting for lane in self._lanes))

    def offer(self, records: Sequence[StreamRecord], now: float) -> None:
        """Add records in the order read. Records that the filters refuse are finished at once."""
        for record in records:
            self._progress.read(record.sequence_number)
            if passes(self._source.filters, record.event):
                self._lane_of(record).add(record, now)
            else:
                self._progress.finish([record.sequence_number])

    def due_at(self) -> float | None:
        """Return when the next batch is due if no more records arrive, or None if none will be."""
        return min(
            (due for lane in self._lanes if (due := lane.due_at()) is not None), default=None
        )

    def take(self, now: float) -> list[tuple[Lane, Attempt]]:
        """Return the batches that are due, each with its lane."""
        taken = ((lane, lane.take(now)) for lane in self._lanes)
        return [(lane, attempt) for lane, attempt in taken if attempt is not None]

    def settle(
        self, lane: Lane, attempt: Attempt, outcome: Outcome, now: float
    ) -> tuple[GivenUp, ...]:
        """Settle a batch. Return the records to dead-letter, for which the caller calls `finish`
        once they are stored."""
        settled = settle(attempt, outcome, self._source, now, self._backoff)
        self.finish(settled.done)
        lane.put_back(settled.again)
        return settled.given_up

    def finish(self, records: Sequence[StreamRecord]) -> None:
        """Mark records as finished: processed or dead-lettered."""
        self._progress.finish(record.sequence_number for record in records)

    def _lane_of(self, record: StreamRecord) -> Lane:
        return self._lanes[zlib.crc32(record.key.encode()) % len(self._lanes)]
