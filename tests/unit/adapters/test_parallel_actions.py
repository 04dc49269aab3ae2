"""Corporate actions of different places are stored at the same time, some after the deadline."""

from __future__ import annotations

import threading
from typing import Any

from chalicelib.adapters.actions import PARALLEL_PUTS, Actions
from rigs.memory_aws.system import SETTINGS, Aws
from tests.action_support import make_split
from tests.factories import NEVER, at


def test_actions_of_different_places_are_stored_at_the_same_time() -> None:
    """Each put waits for the others: one after the other, the first would end the test."""
    aws, together = Aws(), threading.Barrier(PARALLEL_PUTS, timeout=5)

    def waiting(operation: str, _: dict[str, Any], perform: Any) -> dict[str, Any]:
        if operation == "PutItem":
            together.wait()
        done: dict[str, Any] = perform()
        return done

    aws.around = waiting
    days = [f"2020-08-{day}" for day in range(10, 10 + PARALLEL_PUTS)]
    given = [make_split(day, "4:1") for day in days]
    contradictory = [make_split(day, "7:1", known_at=at(9)) for day in days]
    actions = Actions(aws.dynamodb, SETTINGS.bars_table)
    found = actions.record([*given, *contradictory], NEVER)
    assert actions.actions("AAPL") == given
    assert sorted(found.conflicts) == list(range(PARALLEL_PUTS, 2 * PARALLEL_PUTS))
    assert found.left == frozenset()


def test_each_delivery_of_a_record_that_is_late_stores_more() -> None:
    aws = Aws()
    given = [make_split(f"{year}-08-31", "4:1") for year in range(1990, 1990 + 3 * PARALLEL_PUTS)]
    actions, stored = Actions(aws.dynamodb, SETTINGS.bars_table), [0]
    for _ in range(3):
        left = actions.record(given, 0.0).left
        stored.append(len(actions.actions("AAPL")))
        assert len(left) == len(given) - stored[-1]
    assert stored == [0, PARALLEL_PUTS, 2 * PARALLEL_PUTS, 3 * PARALLEL_PUTS]
