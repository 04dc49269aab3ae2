"""Batches, windows, order and checkpoints of a shard, with the clock in the test's hand."""

from __future__ import annotations

import random
from typing import Any

from embedded_aws.event_sources.attempts import Attempt, Outcome
from embedded_aws.event_sources.progress import Progress
from embedded_aws.event_sources.records import PAYLOAD_LIMIT
from embedded_aws.event_sources.shard_worker import Lane, ShardWorker
from tests.local_support.records import make_record, make_records, make_source


def make_worker(checkpoint: str | None = None, **source: Any) -> ShardWorker:
    return ShardWorker(make_source(**source), checkpoint, lambda _retries: 1.0)


def take_one(worker: ShardWorker, now: float) -> tuple[Lane, Attempt]:
    (taken,) = worker.take(now)
    return taken


def numbers(attempt: Attempt) -> list[int]:
    return [int(record.sequence_number) for record in attempt.records]


def test_a_full_batch_goes_at_once() -> None:
    worker = make_worker(batch_size=3, window_seconds=60)
    worker.offer(make_records(3), now=0)
    assert numbers(take_one(worker, 0)[1]) == [1, 2, 3]


def test_a_batch_waits_for_its_window() -> None:
    worker = make_worker(batch_size=3, window_seconds=5)
    worker.offer(make_records(2), now=10)
    assert worker.take(14.9) == []
    assert worker.due_at() == 15
    assert numbers(take_one(worker, 15)[1]) == [1, 2]


def test_the_window_counts_from_the_first_record() -> None:
    worker = make_worker(window_seconds=5)
    worker.offer([make_record(1)], now=10)
    worker.offer([make_record(2)], now=14)
    assert worker.due_at() == 15


def test_without_a_window_whatever_is_there_goes() -> None:
    worker = make_worker()
    worker.offer([make_record(1)], now=0)
    assert numbers(take_one(worker, 0)[1]) == [1]


def test_more_than_a_batch_goes_in_order() -> None:
    worker = make_worker(batch_size=2)
    worker.offer(make_records(5), now=0)
    seen = []
    while taken := worker.take(0):
        ((lane, attempt),) = taken
        seen.append(numbers(attempt))
        worker.settle(lane, attempt, Outcome(None), 0)
    assert seen == [[1, 2], [3, 4], [5]]


def test_six_megabytes_close_a_batch() -> None:
    worker = make_worker(window_seconds=60)
    worker.offer(make_records(3, size=PAYLOAD_LIMIT // 2), now=0)
    assert numbers(take_one(worker, 0)[1]) == [1, 2]


def test_one_record_above_the_limit_still_goes() -> None:
    worker = make_worker()
    worker.offer(make_records(2, size=PAYLOAD_LIMIT + 1), now=0)
    assert numbers(take_one(worker, 0)[1]) == [1]


def test_one_batch_is_in_flight_for_a_shard() -> None:
    worker = make_worker(batch_size=2)
    worker.offer(make_records(4), now=0)
    lane, attempt = take_one(worker, 0)
    assert worker.take(0) == []
    assert worker.due_at() is None
    worker.settle(lane, attempt, Outcome(None), 0)
    assert numbers(take_one(worker, 0)[1]) == [3, 4]


def test_failed_records_are_retried_before_newer_ones() -> None:
    worker = make_worker(batch_size=3)
    worker.offer(make_records(6), now=0)
    lane, attempt = take_one(worker, 0)
    worker.settle(lane, attempt, Outcome(1), now=0)
    assert worker.checkpoint == "1"
    assert worker.take(0.9) == []
    lane, attempt = take_one(worker, 1)
    assert numbers(attempt) == [2, 3]
    worker.settle(lane, attempt, Outcome(None), now=1)
    assert worker.checkpoint == "3"
    assert numbers(take_one(worker, 1)[1]) == [4, 5, 6]


def test_filtered_records_are_finished_without_a_call() -> None:
    worker = make_worker(filters=({"n": [2]},))
    worker.offer(make_records(3), now=0)
    lane, attempt = take_one(worker, 0)
    assert numbers(attempt) == [2]
    assert worker.checkpoint == "1"
    worker.settle(lane, attempt, Outcome(None), 0)
    assert worker.checkpoint == "3"
    assert worker.idle


def test_dead_lettered_records_are_finished_only_once_stored() -> None:
    worker = make_worker(maximum_retries=0)
    worker.offer(make_records(2), now=0)
    lane, attempt = take_one(worker, 0)
    (given_up,) = worker.settle(lane, attempt, Outcome(0), 0)
    assert worker.checkpoint is None
    worker.finish(given_up.records)
    assert worker.checkpoint == "2"


def test_room_keeps_one_batch_behind_the_one_in_flight() -> None:
    worker = make_worker(batch_size=4)
    assert worker.room() == 4
    worker.offer(make_records(4), now=0)
    assert worker.room() == 0
    worker.take(0)
    assert worker.room() == 4


def test_parallel_lanes_keep_each_key_in_order() -> None:
    """Whatever finishes first, a key's records pass once and in order."""
    rng = random.Random(7)
    keys = "ABCDEFG"
    worker = make_worker(batch_size=4, parallelization=3)
    records = [make_record(n, key=rng.choice(keys)) for n in range(1, 301)]
    seen: dict[str, list[int]] = {key: [] for key in keys}
    waiting = list(records)
    in_flight: list[tuple[Lane, Attempt]] = []
    while waiting or in_flight or not worker.idle:
        worker.offer([waiting.pop(0) for _ in range(min(5, len(waiting)))], now=0)
        in_flight += worker.take(1e9)
        assert len({id(lane) for lane, _ in in_flight}) == len(in_flight) <= 3
        lane, attempt = in_flight.pop(rng.randrange(len(in_flight)))
        for record in attempt.records:
            seen[record.key].append(int(record.sequence_number))
        worker.settle(lane, attempt, Outcome(None), 0)
    expected = {key: [int(r.sequence_number) for r in records if r.key == key] for key in keys}
    assert seen == expected
    assert worker.checkpoint == "300"


def test_checkpoint_never_passes_an_unfinished_record() -> None:
    progress = Progress("0")
    for number in ("1", "2", "3", "4"):
        progress.read(number)
    progress.finish(["2", "3"])
    assert progress.checkpoint == "0"
    progress.finish(["1"])
    assert progress.checkpoint == "3"
    assert progress.unfinished == 1
