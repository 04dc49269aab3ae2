"""An event source mapping from a stream to a handler, with one thread for each shard."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.event_sources.attempts import Attempt, GivenUp, Outcome, exponential
from embedded_aws.event_sources.checkpoints import ENDED, Checkpoints
from embedded_aws.event_sources.failures import FailureDestination
from embedded_aws.event_sources.invoking import Function, invoke
from embedded_aws.event_sources.settings import Source
from embedded_aws.event_sources.shard_worker import Lane, ShardWorker
from embedded_aws.event_sources.shards import ShardSource, is_stale, ready
from embedded_aws.event_sources.wakeups import Wakeups

logger = logging.getLogger(__name__)

RELIST_SECONDS = 10.0
"""Seconds between checks for new shards. When a shard ends, the check follows at once."""

TOLD_RELIST_SECONDS = 60.0
"""Seconds between checks for new shards if the emulator reports changes of streams."""

UNREACHABLE_SECONDS = 1.0


class Tally(msgspec.Struct):
    """The totals of a mapping. `lag_seconds` is the age that the first record of the last batch had
    when the batch was passed to the handler."""

    invocations: int = 0
    failed_invocations: int = 0
    records: int = 0
    given_up: int = 0
    lag_seconds: float = 0.0


class Mapping:
    """Passes the records of one stream to one function until it is stopped."""

    def __init__(
        self,
        source: Source,
        stream: ShardSource,
        function: Function,
        checkpoints: Checkpoints,
        wakeups: Wakeups,
        destination: FailureDestination | None = None,
    ) -> None:
        self.source = source
        self.stream = stream
        self.function = function
        self.tally = Tally()
        self.mapping_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{stream.identity} {source.handler}"))
        self._checkpoints = checkpoints
        self._wakeups = wakeups
        self._destination = destination
        self._stop = threading.Event()
        self._relist = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        self._lister = threading.Thread(target=self._follow, name=source.handler, daemon=True)

    def start(self) -> None:
        """Start to read the stream."""
        self._lister.start()

    def stop(self) -> None:
        """Ask all threads to end after their current batch. Wake the pollers before `join`."""
        self._stop.set()
        self._relist.set()

    def join(self, deadline: float) -> bool:
        """Wait for all threads until `deadline` (monotonic seconds). Return whether they ended."""
        threads = [self._lister, *self._threads.values()]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def checkpoint(self, shard_id: str) -> str | None:
        """Return the checkpoint of a shard: ENDED for a closed shard whose records are finished."""
        return self._checkpoints.get(self.mapping_id, shard_id)

    def shard_ids(self) -> list[str]:
        """Return the ids of the shards that this mapping has begun to read."""
        return list(self._threads)

    def _follow(self) -> None:
        while not self._stop.is_set():
            self._relist.clear()
            try:
                self._start_shards()
            except (ClientError, BotoCoreError) as error:
                if not self._stop.is_set():
                    logger.warning("cannot list the shards of %s: %s", self.stream.name, error)
            self._relist.wait(TOLD_RELIST_SECONDS if self._wakeups.tells else RELIST_SECONDS)

    def _start_shards(self) -> None:
        shards = self.stream.shards()
        ended = frozenset(s.shard_id for s in shards if self.checkpoint(s.shard_id) == ENDED)
        for shard in ready(shards, ended, frozenset(self._threads)):
            reader = _ShardReader(self, shard.shard_id)
            thread = threading.Thread(
                target=reader.run, name=f"{self.source.handler} {shard.shard_id}", daemon=True
            )
            self._threads[shard.shard_id] = thread
            thread.start()


class _ShardReader:
    """Reads one shard in a thread, and passes its batches to the handler."""

    def __init__(self, mapping: Mapping, shard_id: str) -> None:
        self._mapping = mapping
        self._shard_id = shard_id
        self._stored = mapping.checkpoint(shard_id)
        self._worker = ShardWorker(mapping.source, self._stored, exponential())
        self._iterator: str | None = None
        self._after = self._stored
        self._at_end = False
        self._more = True
        self._seen = -1
        self._in_flight: dict[Future[Outcome], tuple[Lane, Attempt]] = {}

    def run(self) -> None:
        """Read the shard until the mapping stops or the shard ends."""
        lanes = self._mapping.source.parallelization
        with ThreadPoolExecutor(lanes, thread_name_prefix=self._shard_id) as pool:
            while not self._mapping._stop.is_set() and not self._is_finished():
                self._step(pool)
            self._collect(wait(self._in_flight).done)
        if self._is_finished():
            self._mapping._checkpoints.put(self._mapping.mapping_id, self._shard_id, ENDED)
            self._mapping._relist.set()

    def _is_finished(self) -> bool:
        return self._at_end and self._worker.idle and not self._in_flight

    def _step(self, pool: ThreadPoolExecutor) -> None:
        generation = self._mapping._wakeups.generation
        if self._more or generation != self._seen or not self._mapping._wakeups.tells:
            self._seen = generation
            self._read()
        for lane, attempt in self._worker.take(time.time()):
            self._hand_over(pool, lane, attempt)
        if self._in_flight:
            timeout = None if self._worker.room() == 0 else 0.2
            self._collect(wait(self._in_flight, timeout, FIRST_COMPLETED).done)
        elif not self._more:
            due = self._worker.due_at()
            self._mapping._wakeups.wait(self._seen, None if due is None else due - time.time())

    def _read(self) -> None:
        """Read as many records as there is room for, and note whether the shard has more."""
        limit = min(self._worker.room(), self._mapping.stream.read_limit)
        self._more = False
        if self._at_end or limit == 0:
            self._more = limit == 0 and not self._at_end
            return
        try:
            records, self._iterator = self._mapping.stream.read(
                self._shard_id, self._iterator or self._new_iterator(), limit
            )
        except (ClientError, BotoCoreError) as error:
            self._read_failed(error)
            return
        self._at_end = self._iterator is None
        self._more = len(records) == limit
        if records:
            self._after = records[-1].sequence_number
            self._worker.offer(records, time.time())
            self._store_checkpoint()

    def _new_iterator(self) -> str:
        position = self._mapping.source.starting_position
        return self._mapping.stream.iterator(self._shard_id, self._after, position)

    def _read_failed(self, error: Exception) -> None:
        if self._mapping._stop.is_set():
            return
        self._iterator = None
        self._more = True
        if not (isinstance(error, ClientError) and is_stale(error)):
            logger.warning("cannot read %s: %s", self._mapping.stream.name, error)
            self._mapping._stop.wait(UNREACHABLE_SECONDS)

    def _hand_over(self, pool: ThreadPoolExecutor, lane: Lane, attempt: Attempt) -> None:
        tally = self._mapping.tally
        tally.invocations += 1
        tally.lag_seconds = max(0.0, time.time() - attempt.records[0].arrived)
        future = pool.submit(
            invoke,
            self._mapping.function,
            attempt.records,
            partial=self._mapping.source.partial_responses,
        )
        self._in_flight[future] = (lane, attempt)

    def _collect(self, done: set[Future[Outcome]]) -> None:
        for future in done:
            lane, attempt = self._in_flight.pop(future)
            outcome = future.result()
            failed = outcome.first_failed
            self._mapping.tally.records += len(attempt.records) if failed is None else failed
            self._mapping.tally.failed_invocations += failed is not None
            for given_up in self._worker.settle(lane, attempt, outcome, time.time()):
                self._give_up(given_up)
        if done:
            self._store_checkpoint()

    def _give_up(self, given_up: GivenUp) -> None:
        mapping = self._mapping
        logger.error(
            "%s: dead-lettered %d records (%s)",
            mapping.source.handler,
            len(given_up.records),
            given_up.condition,
        )
        self._keep(given_up)
        mapping.tally.given_up += len(given_up.records)
        self._worker.finish(given_up.records)

    def _keep(self, given_up: GivenUp) -> None:
        """Write dead-lettered records to the failure destination, if there is one.

        Retries until the write succeeds, since no record may be lost. If the mapping stops before,
        raises the last error.
        """
        mapping = self._mapping
        while mapping._destination is not None and mapping.source.failures:
            try:
                mapping._destination.put(
                    given_up,
                    mapping.stream,
                    self._shard_id,
                    mapping.function.name,
                    mapping.mapping_id,
                )
            except (ClientError, BotoCoreError) as error:
                logger.warning("cannot store a dead-lettered batch: %s", error)
                if mapping._stop.wait(UNREACHABLE_SECONDS):
                    raise
            else:
                return

    def _store_checkpoint(self) -> None:
        checkpoint = self._worker.checkpoint
        if checkpoint is not None and checkpoint != self._stored:
            self._mapping._checkpoints.put(self._mapping.mapping_id, self._shard_id, checkpoint)
            self._stored = checkpoint
