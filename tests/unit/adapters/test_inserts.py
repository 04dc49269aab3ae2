"""Bars are put in few requests, and each finally under its own condition."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.bars import Bars
from rigs.memory_aws import inserts
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.system import Aws
from rigs.memory_aws.tables import error
from tests.factories import at, make_bar

MINUTES = [make_bar(60 * number) for number in range(60)]


class Stored:
    """The bars' adapter over AWS in memory, and the operations that it called."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.called: Counter[str] = Counter()
        self.bars = Bars(self.aws.dynamodb, "bars", {})
        self.aws.around = self.around

    def around(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        self.called[operation] += 1
        return perform()

    @property
    def count(self) -> int:
        return len(self.aws.tables["bars"].items)


@pytest.fixture
def stored() -> Stored:
    return Stored()


def test_new_bars_share_requests(stored: Stored) -> None:
    stored.bars.put_all(MINUTES, at())
    assert stored.called == {"BatchExecuteStatement": 3}
    assert stored.count == len(MINUTES)


def test_a_single_bar_is_one_put_in_the_callers_thread(stored: Stored) -> None:
    threads: list[threading.Thread] = []

    def around(operation: str, _request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        threads.append(threading.current_thread())
        stored.called[operation] += 1
        return perform()

    stored.aws.around = around
    stored.bars.put_all(MINUTES[:1], at())
    assert stored.called == {"PutItem": 1}
    assert threads == [threading.current_thread()]


def test_existing_items_are_put_singly_and_compared(stored: Stored) -> None:
    stored.bars.put_all(MINUTES[:30], at())
    stored.called.clear()
    stored.bars.put_all(MINUTES, at())
    assert stored.called == {"BatchExecuteStatement": 3, "PutItem": 30, "Query": 30}
    assert stored.count == len(MINUTES)


def test_corrected_bars_are_not_tried_as_new_ones(stored: Stored) -> None:
    stored.bars.put_all([make_bar(60 * number, revision=1) for number in range(3)], at())
    assert stored.called == {"PutItem": 3}


@pytest.mark.parametrize("code", ["ThrottlingError", "InternalServerError", "TransactionConflict"])
def test_a_statement_that_fails_for_a_passing_reason_is_put_by_itself(
    stored: Stored, code: str
) -> None:
    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        stored.called[operation] += 1
        if operation != "BatchExecuteStatement":
            return perform()
        first, *rest = request["Statements"]
        done = [inserts.inserted(stored.aws.tables, statement) for statement in rest]
        assert "Parameters" in first
        return {"Responses": [inserts.refusal(code, "bars"), *done]}

    stored.aws.around = around
    stored.bars.put_all(MINUTES, at())
    assert stored.called == {"BatchExecuteStatement": 3, "PutItem": 3}
    assert stored.count == len(MINUTES)


@pytest.mark.parametrize("failing", range(3))
def test_one_request_that_fails_among_several_is_not_passed_over(
    stored: Stored, failing: int
) -> None:
    first = MINUTES[25 * failing].start

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        _, item = inserts.parsed(request["Statements"][0])
        if item["start"]["S"] == first:
            raise error(operation, "ThrottlingException", 400)
        return perform()

    stored.aws.around = around
    with pytest.raises(ClientError, match="ThrottlingException"):
        stored.bars.put_all(MINUTES, at())


def test_one_put_that_fails_among_several_is_not_passed_over(stored: Stored) -> None:
    stored.bars.put_all(MINUTES, at())

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation == "PutItem" and request["Item"]["start"]["S"] == MINUTES[40].start:
            raise error(operation, "ThrottlingException", 400)
        return perform()

    stored.aws.around = around
    with pytest.raises(ClientError, match="ThrottlingException"):
        stored.bars.put_all(MINUTES, at())
