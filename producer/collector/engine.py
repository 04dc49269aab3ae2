"""Runs the pipeline once, from the state that earlier runs left."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from producer.collector.lease import Held, Taken
from producer.collector.memory_store import MemoryStore
from producer.collector.recollection import NotingSink, Recollection
from producer.collector.remembering import Reading
from producer.collector.sources import Sourcing
from producer.collector.tenure import DRAIN_SECONDS, Tenure
from producer.errors import SinkRefused
from producer.outbox import Outbox
from producer.pipeline import Pipeline
from producer.records import Record
from producer.sender import Sender
from producer.sinks.base import Sink
from producer.status import Status
from producer.wire import WireTick

SETTLING_SECONDS = 15.0
"""Seconds to wait at a run's end for a request to the sink in flight, which takes up to 13 s to
fail."""

GAP = timedelta(minutes=10)
"""After a gap this long without a collecting run, history, which holds what was missed, is fetched
again."""


class Engine:
    """Runs the pipeline in one container. `tenure` measures a run's time."""

    def __init__(
        self,
        sourcing: Sourcing,
        memory: MemoryStore,
        sink: Sink,
        status: Status,
        tenure: Tenure,
        now: Callable[[], datetime],
    ) -> None:
        self._sourcing = sourcing
        self._memory = memory
        self._sink = NotingSink(sink, self._may_send, self._taken)
        self._status = status
        self._tenure = tenure
        self._now = now
        self._kept: Recollection | None = None
        self._run = 0
        self.broken: tuple[str, ...] = ()
        self.is_settled = True
        status.sink = sink.name

    @property
    def is_throttled(self) -> bool:
        """Return whether the source has refused a request and has not answered since."""
        return self._kept is not None and self._kept.source.known.refusals > 0

    @property
    def followed(self) -> Sequence[str]:
        """Return the symbols of the last poll; an empty sequence before the first poll."""
        return self._kept.followed.current if self._kept is not None else ()

    @property
    def invalid(self) -> Sequence[str]:
        """Return the tracked symbols that are invalid and therefore skipped."""
        return self._kept.followed.invalid if self._kept is not None else ()

    def run(self, taken: Taken, stop: threading.Event) -> datetime:
        """Poll and send until `stop` is set or no more requests can be made in this run.

        Returns the instant up to which ticks are collected or recorded as missing. Raises
        StoreError, SourceError, and SinkRefused if the sink refuses for good. Raises boto3's errors
        if the runs' memory cannot be read.
        """
        self.is_settled, self.broken = True, ()
        kept = self._recalled(taken.before)
        self._run = taken.ours.run
        collected = self._written(kept, taken.ours.collected)
        outbox = Outbox(self._sink.key)
        outbox.put(kept.left, stop)
        kept.waiting = outbox.waiting
        sender = Sender(outbox, self._sink, self._status, random.Random())  # noqa: S311 - jitter
        source = _Saving(kept, self._run)
        pipeline = Pipeline(
            source, outbox, sender, self._status, passing=kept.passing, clock=self._now
        )
        try:
            outcome = pipeline.run(stop, DRAIN_SECONDS)
        finally:
            self._settle(sender)
            kept.left = outbox.left()
            kept.forget_dropped()
            kept.save(self._run)
        if outcome.refusal is not None:
            raise SinkRefused(outcome.refusal)
        if kept.left:
            self._status.problem(f"{len(kept.left):,} lines wait for the next run")
        return self._reached(kept, collected)

    def _recalled(self, before: Held | None) -> Recollection:
        """Return this container's state if this container ran last; else read it from the table."""
        kept = self._kept
        if kept is None or before is None or before.run != self._run:
            kept = self._recall(self._memory.read(self._now()))
        return kept

    def _written(self, kept: Recollection, collected: datetime) -> datetime:
        """Return the instant up to which ticks are collected or known to be missing.

        After a gap longer than GAP, record in the runs' memory that history has to be fetched
        again, and return now. If the memory cannot be saved, return `collected`, so that the lease
        keeps the start of the gap.
        """
        begun = self._now()
        if begun - collected <= GAP:
            return collected
        kept.forget_history()
        return begun if kept.save(self._run) else collected

    def _settle(self, sender: Sender) -> None:
        """Wait at most SETTLING_SECONDS for requests to the sink that are in flight. Such a request
        could arrive during a later run. `is_settled` says whether none is left."""
        self.is_settled = sender.ended.wait(SETTLING_SECONDS)
        if not self.is_settled:
            self._status.problem(
                "a request to the sink has not ended; the lease runs out by itself"
            )

    def _reached(self, kept: Recollection, collected: datetime) -> datetime:
        """Return the instant up to which ticks are collected after a run. This is now; or
        `collected` if the source did not answer, or if the start of a gap could not be recorded."""
        known, now = kept.source.known, self._now()
        is_written = now - collected <= GAP
        return now if is_written and not (known.refusals or known.is_silent) else collected

    def _recall(self, read: Reading) -> Recollection:
        self.broken = read.broken
        if read.broken:
            names = ", ".join(read.broken)
            self._status.problem(f"the collector's memory cannot be read: {names}")
        kind = self._sourcing.kind(read.memory.source)
        if self._kept is None:
            source, followed = self._sourcing.make(kind, self._patience)
            self._kept = Recollection(self._memory, self._status, self._now, kind, source, followed)
            self._status.source = source.name
        is_known = read.memory.source in ("", kind)  # "" if the memory names no source
        self._kept.recall(read if is_known else Reading())
        return self._kept

    def _patience(self) -> float:
        """Return the seconds in which the run may still poll; 0 if the table does not answer."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._tenure.asking_left()
        except (BotoCoreError, ClientError):
            return 0.0

    def _may_send(self) -> bool:
        """Return whether the lease lasts for another request; False if the table does not
        answer."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            may_send = self._tenure.may_send()
        except (BotoCoreError, ClientError):
            may_send = False
        if not may_send:
            self._status.problem("the lease of this run is over: it sends nothing more")
        return may_send

    def _taken(self, records: Sequence[Record]) -> None:
        if self._kept is not None:
            self._kept.taken(records)
            self._kept.save(self._run)


class _Saving:
    """Wraps the source of a run, and saves the container's state with each batch."""

    def __init__(self, kept: Recollection, run: int) -> None:
        self._kept = kept
        self._run = run
        self.name = kept.source.name
        self.needs_hygiene = kept.source.needs_hygiene
        self.recorded = kept.source.recorded

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """See Source.batches."""
        for batch in self._kept.source.batches(stop):
            self._kept.forget_dropped()
            self._kept.save(self._run)
            yield batch
            self._kept.forwarded(batch)
