"""Asking no more than a source bears."""

from __future__ import annotations

import random
import threading

import pytest

from producer.backoff import Backoff
from producer.throttling import CircuitBreaker, TokenBucket

SEED = 11


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(rate=2, burst=10, now=clock)
    stop = threading.Event()
    assert bucket.take(10, stop)
    assert bucket.missing_seconds(4) == 2
    clock.time += 1.5
    assert bucket.missing_seconds(4) == 0.5
    clock.time += 100
    assert bucket.missing_seconds(10) == 0


def test_more_than_the_burst_is_owed() -> None:
    clock = Clock()
    bucket = TokenBucket(rate=1, burst=5, now=clock)
    assert bucket.take(8, threading.Event())
    assert bucket.missing_seconds(1) == 4


def test_waiting_for_tokens_ends_with_the_producer() -> None:
    bucket = TokenBucket(rate=0.001, burst=1)
    stop = threading.Event()
    stop.set()
    assert not bucket.take(2, stop)


def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(rng=random.Random(SEED), now=clock)


def test_the_circuit_opens_for_one_to_fifteen_minutes_and_longer_each_time() -> None:
    circuit = breaker(Clock())
    times = [circuit.refused() for _ in range(8)]
    assert 60 <= times[0] <= 75
    assert 120 <= times[1] <= 150
    assert times == sorted(times)
    assert times[-1] == 900


def test_jitter_differs_between_producers() -> None:
    first, second = CircuitBreaker(rng=random.Random(1)), CircuitBreaker(rng=random.Random(2))
    assert first.refused() != second.refused()


def test_after_its_time_one_request_tries_and_its_answer_closes_the_circuit() -> None:
    clock = Clock()
    circuit = breaker(clock)
    seconds = circuit.refused()
    assert circuit.open_seconds == pytest.approx(seconds)
    states = [circuit.is_half_open]
    clock.time += seconds
    states.append(circuit.is_half_open)
    assert circuit.open_seconds == 0
    circuit.answered()
    states.append(circuit.is_half_open)
    assert states == [False, True, False]
    assert circuit.refused() <= 75


def test_backoff_is_full_jitter_below_a_growing_bound() -> None:
    rng = random.Random(SEED)
    bounds = [1, 2, 4, 8, 10, 10]
    delays = []
    for _ in range(200):
        backoff = Backoff(1, 10, rng)
        delays.append([backoff.failed() for _ in bounds])
    for bound, waits in zip(bounds, zip(*delays, strict=True), strict=True):
        assert max(waits) <= bound
        assert max(waits) > 0.9 * bound
        assert min(waits) < 0.1 * bound
