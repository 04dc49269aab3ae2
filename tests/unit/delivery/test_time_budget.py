"""The time that a container waits for receivers."""

from __future__ import annotations

import pytest

from chalicelib.services.delivery.time_budget import TimeBound, TimeBudget

BOUND = TimeBound(all_channels=10.0, share=0.5, reserve=4.0, own=2.0, own_share=0.25)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> TimeBudget:
    return TimeBudget(clock, BOUND)


def take(budget: TimeBudget, clock: Clock, channel: str, seconds: float) -> None:
    with budget.attempt(channel):
        clock.now += seconds


def test_attempts_use_up_the_time_of_all_channels(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 19.9)  # half of it is refilled meanwhile
    assert budget.has_time("slow")
    take(budget, clock, "slow", 0.2)
    assert not budget.has_time("slow")
    assert budget.has_time("quick"), "a channel has time of its own"
    clock.now += 0.2
    assert budget.has_time("slow")


def test_a_channel_that_has_used_up_its_own_time_waits(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 20.1)
    with budget.attempt("slow"):  # the level stands still: half of this time is refilled
        take(budget, clock, "quick", 1.9)
        assert budget.has_time("quick")
        take(budget, clock, "quick", 2.0)
        assert not budget.has_time("quick")


def test_nobody_overdraws_by_more_than_the_reserve(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 20.0 + 2 * BOUND.reserve - 0.1)
    assert budget.has_time("quick")
    take(budget, clock, "slow", 0.2)
    assert not budget.has_time("quick")


def test_attempts_at_the_same_time_count_once_for_all_channels(
    budget: TimeBudget, clock: Clock
) -> None:
    with budget.attempt("one"), budget.attempt("two"), budget.attempt("three"):
        clock.now += 19.0
    assert budget.has_time("one")


def test_the_time_fills_up_to_its_bound(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 15.0)
    clock.now += 3600.0
    take(budget, clock, "slow", 20.1)
    assert not budget.has_time("slow")


def test_a_clock_that_goes_back_gives_and_takes_nothing(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 20.1)
    clock.now -= 3600.0
    assert not budget.has_time("slow")
    take(budget, clock, "slow", 0.1)
    clock.now += 60.0
    assert budget.has_time("slow")


def test_an_attempt_that_fails_counts_too(budget: TimeBudget, clock: Clock) -> None:
    def fail() -> None:
        with budget.attempt("slow"):
            clock.now += 20.1
            raise OSError("no answer")

    with pytest.raises(OSError, match="no answer"):
        fail()
    assert not budget.has_time("slow")
    clock.now += 1.0
    assert budget.has_time("slow"), "nothing is under way"
