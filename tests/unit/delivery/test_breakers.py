"""Circuit breakers of channels."""

from __future__ import annotations

import math

import pytest

from chalicelib.domain.breakers import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    SECONDS_TO_OPEN,
    SLOW_FAILURES_TO_OPEN,
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
    for _ in range(3):
        assert made.lets_through("slow")
        made.failed("slow", SECONDS_TO_OPEN / 3)
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


@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.0, 2.9, 3.0, 9.9])
def test_failures_in_a_row_open_the_circuit_whatever_each_took(
    clock: Clock, seconds: float
) -> None:
    breakers = Breakers(clock)
    made = 0
    while breakers.lets_through("fails"):
        assert not breakers.is_open("fails")
        breakers.failed("fails", seconds)
        made += 1
    assert breakers.is_open("fails")
    by_time = math.ceil(SECONDS_TO_OPEN / seconds) if seconds else FAILURES_TO_OPEN
    assert made == min(FAILURES_TO_OPEN, max(SLOW_FAILURES_TO_OPEN, by_time))


def test_refusals_at_once_say_that_the_channel_works(clock: Clock) -> None:
    breakers = Breakers(clock)
    for _ in range(2 * FAILURES_TO_OPEN):
        breakers.failed("busy", 0.1)
        breakers.refused("busy", SLOW_SECONDS / 2)
    assert breakers.lets_through("busy")
