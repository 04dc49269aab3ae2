"""What a container sends, and leaves to the queue of retries, in a minute."""

from __future__ import annotations

from collections import Counter

from chalicelib.services.delivery.budget import (
    MessageBound,
    MessageBudget,
    RetryBound,
    RetryBudget,
)
from tests.factories import instant

SMALL = MessageBound(firsts=4, rule=6, channel=6, shared=9)
SMALL_QUEUE = RetryBound(own=2, each=5, shared=4, waiting=100)


def test_a_message_counts_once_for_each_channel() -> None:
    budget = MessageBudget(SMALL._replace(firsts=0))
    taken = [budget.take("a", f"channel-{n}", instant(0)) for n in range(10)]
    assert taken == [True] * 6 + [False] * 4


def test_a_rule_on_many_channels_leaves_the_others_theirs() -> None:
    budget = MessageBudget(SMALL)
    flood = Counter(
        channel
        for _ in range(20)
        for channel in ("one", "two")
        if budget.take("flood", channel, instant(0))
    )
    assert flood == {"one": 4, "two": 4}, "the first of each, and six more that they share"
    assert [budget.take("other", "one", instant(0)) for _ in range(3)] == [True, True, True]


def test_first_messages_are_bounded_too() -> None:
    budget = MessageBudget(SMALL)
    taken = [budget.take(f"r{n}", "one", instant(0)) for n in range(30)]
    assert sum(taken) == SMALL.firsts + SMALL.channel


def test_the_next_minute_has_a_budget_of_its_own() -> None:
    budget = MessageBudget(SMALL)
    for n in range(30):
        budget.take("a", f"channel-{n}", instant(0))
    assert not budget.take("a", "last", instant(0))
    assert budget.take("a", "last", instant(60))


def test_a_channel_that_fails_leaves_others_room_in_the_queue_of_retries() -> None:
    budget = RetryBudget(lambda: 0, SMALL_QUEUE)
    assert [budget.take("fails", instant(0)) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [budget.take("also", instant(0)) for _ in range(4)] == [True] * 3 + [False]
    assert [budget.take("third", instant(0)) for _ in range(3)] == [True] * 2 + [False]
    assert not budget.has_room("fails", instant(59))
    assert budget.has_room("fails", instant(60))


def test_nothing_of_a_channel_that_fails_goes_to_a_full_queue() -> None:
    depths = iter([99, 100, 0])
    budget = RetryBudget(lambda: next(depths), SMALL_QUEUE)
    assert [budget.take("fails", instant(0)) for _ in range(3)] == [True] * 3, "asked once a minute"
    assert budget.has_room("fails", instant(60)), "not asked before something goes there"
    assert not budget.take("fails", instant(60))
    assert not budget.has_room("fails", instant(119))
    assert budget.has_room("fails", instant(120)), "asked again"
    assert budget.take("fails", instant(120))


def test_a_queue_that_others_have_filled_leaves_a_channel_one_place_an_hour() -> None:
    budget = RetryBudget(lambda: 100, SMALL_QUEUE)
    assert [budget.take("other", instant(1)) for _ in range(3)] == [True, False, False]
    for minute in range(1, 60):
        assert not budget.take("other", instant(60 * minute))
    assert [budget.take("other", instant(3600)) for _ in range(3)] == [True, False, False]
    assert budget.has_room("third", instant(3600))


def test_a_queue_that_does_not_say_how_long_it_is_counts_as_full() -> None:
    def broken() -> int:
        raise OSError("no answer")

    budget = RetryBudget(broken, SMALL_QUEUE)
    assert budget.take("fails", instant(0))
    assert not budget.take("fails", instant(0))
