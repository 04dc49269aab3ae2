"""Circuit breakers of channels."""

from __future__ import annotations

import pytest

from chalicelib.domain.breakers import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    SLOW_SECONDS,
    Breakers,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    """One channel, `slow`, has just failed as often as opens its circuit."""
    made = Breakers(clock)
    for _ in range(FAILURES_TO_OPEN):
        assert made.lets_through("slow")
        made.failed("slow", SLOW_SECONDS)
    return made


def test_a_channel_that_times_out_is_left_alone_for_a_pause(
    breakers: Breakers, clock: Clock
) -> None:
    assert not breakers.lets_through("slow")
    assert breakers.lets_through("other")
    clock.now += FIRST_PAUSE_SECONDS - 0.1
    assert not breakers.lets_through("slow")


def test_one_probe_follows_each_pause_and_pauses_grow(breakers: Breakers, clock: Clock) -> None:
    pause = FIRST_PAUSE_SECONDS
    for _ in range(6):
        clock.now += pause
        assert breakers.lets_through("slow")
        assert not breakers.lets_through("slow")  # while the probe is under way
        breakers.failed("slow", SLOW_SECONDS)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        clock.now += pause - 0.1
        assert not breakers.lets_through("slow")
        clock.now += 0.1 - pause
    assert pause == LONGEST_PAUSE_SECONDS


def test_an_answer_closes_the_circuit(breakers: Breakers, clock: Clock) -> None:
    clock.now += FIRST_PAUSE_SECONDS
    assert breakers.lets_through("slow")
    breakers.succeeded("slow")
    breakers.failed("slow", SLOW_SECONDS)
    assert breakers.lets_through("slow")


def test_failures_that_take_no_time_open_nothing(clock: Clock) -> None:
    breakers = Breakers(clock)
    for _ in range(10 * FAILURES_TO_OPEN):
        breakers.failed("busy", SLOW_SECONDS / 2)
    assert breakers.lets_through("busy")
