"""Historical bars that come again: in few requests, by the deadline, and further at each try."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chalicelib.adapters.bars import Bars
from chalicelib.domain.bars import Bar
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.system import Aws
from rigs.memory_aws.tables import error
from tests.factories import at, make_bar
from tests.sequential import one_call_at_a_time

FOLDED = [make_bar(60 * number, 1, ticks=0, folded=5) for number in range(600)]
LATE = [make_bar(60 * number, 1, ticks=0) for number in range(600)]
NEVER = float("inf")
PAST = 0.0


class Stored:
    """The bars' adapter over AWS in memory, and the operations that it called."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.called: Counter[str] = Counter()
        self.bars = Bars(self.aws.dynamodb, "bars", {"1m": 90})
        self.aws.around = self.around
        self.refused: set[str] = set()

    def around(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        self.called[operation] += 1
        if operation in self.refused:
            refused = error(operation, "TransactionCanceledException", 400)
            refused.response["CancellationReasons"] = [{"Code": "TransactionConflict"}]
            raise refused
        return perform()

    def closes(self) -> Counter[int]:
        items = self.aws.tables["bars"].items.values()
        return Counter(int(item["close"]["N"]) for item in items)


@pytest.fixture
def stored() -> Stored:
    return Stored()


def write(stored: Stored, bars: list[Bar], arrival: str, deadline: float) -> set[int]:
    method = stored.bars.fill if bars[0].folded else stored.bars.write_late_history
    return method(bars, arrival, deadline)


def priced(bars: list[Bar], close: int) -> list[Bar]:
    return [
        make_bar(60 * number, close, ticks=0, folded=bar.folded) for number, bar in enumerate(bars)
    ]


BOTH = pytest.mark.parametrize("bars", [FOLDED, LATE], ids=["folded", "late"])


@BOTH
def test_bars_that_come_again_cost_a_read_for_each_hundred(stored: Stored, bars: list[Bar]) -> None:
    assert write(stored, bars, at(0), NEVER) == set()
    assert stored.called == {"BatchGetItem": 6, "BatchExecuteStatement": 24}
    stored.called.clear()
    assert write(stored, bars, at(0), NEVER) == set()
    assert stored.called == {"BatchGetItem": 6}


@BOTH
def test_bars_that_replace_others_share_transactions(stored: Stored, bars: list[Bar]) -> None:
    write(stored, bars, at(0), NEVER)
    stored.called.clear()
    assert write(stored, priced(bars, 2), at(1), NEVER) == set()
    assert stored.called == {"BatchGetItem": 6, "TransactWriteItems": 6}
    assert stored.closes() == {2: 600}


@BOTH
def test_bars_that_came_before_the_stored_ones_are_not_put(stored: Stored, bars: list[Bar]) -> None:
    write(stored, bars, at(100), NEVER)
    stored.called.clear()
    assert write(stored, priced(bars, 2), at(0), NEVER) == set()
    assert stored.called == {"BatchGetItem": 6}
    assert stored.closes() == {1: 600}


@BOTH
def test_a_transaction_that_is_cancelled_is_put_bar_by_bar(stored: Stored, bars: list[Bar]) -> None:
    write(stored, bars, at(0), NEVER)
    stored.refused = {"TransactWriteItems"}
    assert write(stored, priced(bars, 2)[:90], at(1), NEVER) == set()
    assert stored.called["PutItem"] == 90
    assert stored.closes() == {2: 90, 1: 510}


@BOTH
@pytest.mark.parametrize(
    ("refused", "left"), [("", [120, 20, 0]), ("TransactWriteItems", [219, 218, 217])]
)
def test_bars_that_are_not_put_by_the_deadline_are_told_and_each_try_gets_further(
    stored: Stored, bars: list[Bar], refused: str, left: list[int]
) -> None:
    write(stored, bars, at(0), NEVER)
    stored.refused = {refused}
    again = priced(bars, 2)[:220]
    with one_call_at_a_time():
        assert [len(write(stored, again, at(1), PAST)) for _ in left] == left
    assert stored.closes()[2] == 220 - left[-1]


def test_requests_of_history_begin_by_the_deadline_but_the_first(stored: Stored) -> None:
    assert stored.bars.write_history(LATE, at(), PAST) == set(range(25, 600))
    assert stored.called == {"BatchWriteItem": 1}
