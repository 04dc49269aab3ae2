"""The consequences of a handler's answer."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.event_sources.attempts import (
    Attempt,
    Outcome,
    Settled,
    exponential,
    read_response,
    settle,
)
from tests.local_support.records import make_record, make_records, make_source

NUMBERS = ["1", "2", "3"]


def backoff(_retries: int) -> float:
    return 1.0


def numbers(records: Any) -> list[str]:
    return [record.sequence_number for record in records]


def settled(attempt: Attempt, outcome: Outcome, *, now: float = 100.0, **source: Any) -> Settled:
    return settle(attempt, outcome, make_source(**source), now, backoff)


@pytest.mark.parametrize(
    "response", [None, {}, {"batchItemFailures": []}, "text", [], {"batchItemFailures": None}]
)
def test_null_and_empty_answers_are_success(response: Any) -> None:
    assert read_response(response, NUMBERS).first_failed is None


@pytest.mark.parametrize(
    ("failures", "first"),
    [
        ([{"itemIdentifier": "2"}], 1),
        ([{"itemIdentifier": "3"}, {"itemIdentifier": "2"}], 1),
        ([{"itemIdentifier": "1"}], 0),
        ([{"itemIdentifier": "unknown"}], 0),
        ([{"itemIdentifier": "3"}, {"itemIdentifier": "unknown"}], 0),
        ([{"itemIdentifier": ""}], 0),
        ([{"itemIdentifier": None}], 0),
        ([{"badKey": "2"}], 0),
        (["2"], 0),
    ],
)
def test_lowest_failed_record_counts_and_a_bad_identifier_fails_all(
    failures: Any, first: int
) -> None:
    assert read_response({"batchItemFailures": failures}, NUMBERS).first_failed == first


def test_success_finishes_all() -> None:
    result = settled(Attempt(make_records(3)), Outcome(None))
    assert numbers(result.done) == NUMBERS
    assert not result.again
    assert not result.given_up


def test_everything_from_the_failed_record_on_is_tried_again() -> None:
    result = settled(Attempt(make_records(5)), Outcome(2))
    assert numbers(result.done) == ["1", "2"]
    (again,) = result.again
    assert numbers(again.records) == ["3", "4", "5"]
    assert (again.retries, again.invocations, again.not_before) == (1, 1, 101.0)


def test_retries_run_out() -> None:
    attempt = Attempt(make_records(2), retries=3, invocations=3)
    result = settled(attempt, Outcome(0, error="boom"), maximum_retries=3)
    assert not result.again
    (given_up,) = result.given_up
    assert numbers(given_up.records) == ["1", "2"]
    assert given_up.condition == "RetryAttemptsExhausted"
    assert (given_up.invocations, given_up.error) == (4, "boom")


def test_minus_one_retries_without_end() -> None:
    attempt = Attempt(make_records(2), retries=10_000)
    assert settled(attempt, Outcome(0), maximum_retries=-1).again


def test_no_retries_gives_up_at_once() -> None:
    result = settled(Attempt(make_records(2)), Outcome(1), maximum_retries=0)
    assert numbers(result.done) == ["1"]
    assert numbers(result.given_up[0].records) == ["2"]


def test_bisect_halves_what_raised_without_using_a_retry() -> None:
    attempt = Attempt(make_records(5), retries=1)
    result = settled(attempt, Outcome(0, reported=False), bisect=True)
    assert [numbers(a.records) for a in result.again] == [["1", "2"], ["3", "4", "5"]]
    assert [a.retries for a in result.again] == [1, 1]


def test_bisect_splits_at_the_reported_record_without_using_a_retry() -> None:
    result = settled(Attempt(make_records(5)), Outcome(3), bisect=True)
    assert numbers(result.done) == ["1", "2", "3"]
    assert [numbers(a.records) for a in result.again] == [["4", "5"]]
    assert result.again[0].retries == 0


def test_a_report_of_the_first_record_splits_nothing() -> None:
    result = settled(Attempt(make_records(5)), Outcome(0), bisect=True)
    (again,) = result.again
    assert numbers(again.records) == ["1", "2", "3", "4", "5"]
    assert again.retries == 1


def test_one_record_cannot_be_split() -> None:
    result = settled(Attempt(make_records(1)), Outcome(0, reported=False), bisect=True)
    assert result.again[0].retries == 1


def test_bisecting_comes_to_the_poison_record_alone() -> None:
    """A record that always raises is dead-lettered alone; all others succeed."""
    source = make_source(bisect=True, maximum_retries=2)
    waiting = [Attempt(make_records(16))]
    done: list[str] = []
    lost: list[str] = []
    while waiting:
        attempt = waiting.pop(0)
        poisoned = "11" in numbers(attempt.records)
        outcome = Outcome(0, reported=False) if poisoned else Outcome(None)
        result = settle(attempt, outcome, source, 0.0, backoff)
        done += numbers(result.done)
        waiting = [*result.again, *waiting]
        lost += [n for given_up in result.given_up for n in numbers(given_up.records)]
    assert lost == ["11"]
    assert done == [str(n) for n in range(1, 17) if n != 11]


def test_records_that_are_too_old_are_dead_lettered_after_a_failure() -> None:
    records = (make_record(1, arrived=10), make_record(2, arrived=95))
    result = settled(Attempt(records), Outcome(0), maximum_record_age_seconds=60)
    assert numbers(result.given_up[0].records) == ["1"]
    assert result.given_up[0].condition == "RecordAgeExceeded"
    assert [numbers(a.records) for a in result.again] == [["2"]]


def test_age_alone_gives_nothing_up() -> None:
    result = settled(Attempt(make_records(2)), Outcome(None), maximum_record_age_seconds=60)
    assert numbers(result.done) == ["1", "2"]
    assert not result.given_up


def test_backoff_doubles_up_to_its_longest() -> None:
    wait = exponential(0.2, 30)
    assert [round(wait(n), 1) for n in range(4)] == [0.2, 0.4, 0.8, 1.6]
    assert wait(5000) == 30
