"""The time that a container waits for receivers."""

from __future__ import annotations

import pytest

from chalicelib.services.delivery.time_budget import TimeBound, TimeBudget

BOUND = TimeBound(
    all_channels=10.0,
    share=0.5,
    reserve=4.0,
    reserve_of_urgent=6.0,
    own=2.0,
    own_share=0.25,
    slow=3.0,
    penalty=10.0,
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
def budget(clock: Clock) -> TimeBudget:
    return TimeBudget(clock, BOUND)


def take(budget: TimeBudget, clock: Clock, channel: str, seconds: float) -> None:
    with budget.attempt(channel):
        clock.now += seconds


def has_time(budget: TimeBudget, channel: str, *, is_established: bool = True) -> bool:
    return budget.has_time(channel, is_established=is_established)


def test_attempts_use_up_the_time_of_all_channels(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 19.9)  # half of it is refilled meanwhile
    assert has_time(budget, "slow")
    take(budget, clock, "slow", 0.2)
    assert not has_time(budget, "slow")
    assert has_time(budget, "quick"), "a channel has time of its own"
    clock.now += 0.2
    assert has_time(budget, "slow")


def test_a_channel_that_has_used_up_its_own_time_waits(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 20.1)
    with budget.attempt("slow"):  # the level stands still: half of this time is refilled
        take(budget, clock, "quick", 1.9)
        assert has_time(budget, "quick")
        take(budget, clock, "quick", 0.8)
        assert not has_time(budget, "quick")


def test_nobody_overdraws_by_more_than_the_reserve(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 20.0 + 2 * BOUND.reserve - 0.1)
    assert has_time(budget, "quick")
    take(budget, clock, "slow", 0.2)
    assert not has_time(budget, "quick")
    assert budget.has_time("quick", is_established=True, is_urgent=True)
    take(budget, clock, "slow", 2 * (BOUND.reserve_of_urgent - BOUND.reserve))
    assert not budget.has_time("quick", is_established=True, is_urgent=True)


def test_attempts_at_the_same_time_count_once_for_all_channels(
    budget: TimeBudget, clock: Clock
) -> None:
    with budget.attempt("one"), budget.attempt("two"), budget.attempt("three"):
        clock.now += 19.0
    assert has_time(budget, "one")


def test_the_time_fills_up_to_its_bound(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 15.0)
    clock.now += 3600.0
    take(budget, clock, "slow", 20.1)
    assert not has_time(budget, "slow")


def test_a_clock_that_goes_back_gives_and_takes_nothing(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "slow", 20.1)
    clock.now -= 3600.0
    assert not has_time(budget, "slow")
    take(budget, clock, "slow", 0.1)
    clock.now += 60.0
    assert has_time(budget, "slow")


def test_an_attempt_that_fails_counts_too(budget: TimeBudget, clock: Clock) -> None:
    def fail() -> None:
        with budget.attempt("slow"):
            clock.now += 20.1
            raise OSError("no answer")

    with pytest.raises(OSError, match="no answer"):
        fail()
    assert not has_time(budget, "slow")
    clock.now += 1.0
    assert has_time(budget, "slow"), "nothing is under way"


def emptied(budget: TimeBudget, clock: Clock) -> None:
    take(budget, clock, "another", 20.1)


def test_a_channel_that_is_not_established_has_no_time_of_its_own(
    budget: TimeBudget, clock: Clock
) -> None:
    assert has_time(budget, "new", is_established=False)
    emptied(budget, clock)
    assert not has_time(budget, "new", is_established=False)
    assert has_time(budget, "old")


def test_a_slow_attempt_costs_a_channel_its_own_time_for_long(
    budget: TimeBudget, clock: Clock
) -> None:
    take(budget, clock, "turning", 3.0)
    clock.now += 29.9
    assert not budget.is_quick("turning")
    emptied(budget, clock)
    assert budget.is_quick("turning")
    assert has_time(budget, "turning")


def test_a_quick_attempt_does_not_shorten_what_a_slow_one_has_cost(
    budget: TimeBudget, clock: Clock
) -> None:
    take(budget, clock, "turning", 9.0)
    take(budget, clock, "turning", 3.0)
    clock.now += 60.0
    take(budget, clock, "turning", 0.1)
    assert not budget.is_quick("turning")


def test_an_attempt_is_slow_while_it_is_under_way(budget: TimeBudget, clock: Clock) -> None:
    """Otherwise each thread of a channel might begin one before the first has ended."""
    with budget.attempt("turning"):
        clock.now += 2.9
        assert budget.is_quick("turning")
        clock.now += 0.1
        assert not budget.is_quick("turning")


def test_a_channel_does_not_answer_for_time_that_is_excused(
    budget: TimeBudget, clock: Clock
) -> None:
    with budget.attempt("drawn") as attempt:
        clock.now += 20.1
        attempt.excused += 19.9
        assert budget.is_quick("drawn")
    assert budget.is_quick("drawn")
    assert has_time(budget, "drawn")
    assert not has_time(budget, "drawn", is_established=False), "it counts for all channels"
