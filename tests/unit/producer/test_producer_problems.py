"""Problems that are worded differently each time do not fill the log."""

from __future__ import annotations

from producer.status import Status


def test_at_most_a_hundred_problems_are_told_in_a_minute_and_the_others_counted() -> None:
    told: list[str] = []
    now = [0.0]
    status = Status(lambda _event, message: told.append(message), now=lambda: now[0])
    for number in range(350):
        status.problem(f"limit {number}")
    assert told == [f"limit {number}" for number in range(100)]
    assert status.current_problem == "limit 349"
    now[0] = 61.0
    for number in range(2):
        status.problem(f"later {number}")
    assert told[100:] == ["250 more problems were not shown", "later 0", "later 1"]
