from __future__ import annotations

import pytest

from chalicelib.event_sources import EVENT_SOURCES, EventSource

SOURCES = list(EVENT_SOURCES.values())


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.handler)
def test_each_source_stays_within_lambdas_limits(source: EventSource) -> None:
    assert 1 <= source.batch_size <= 10_000
    assert 0 <= source.window_seconds <= 300
    assert source.maximum_retries == -1 or 0 <= source.maximum_retries <= 10_000
    assert 1 <= source.parallelization <= 10
    assert source.kind != "sqs" or source.window_seconds >= 1 or source.batch_size <= 10


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.handler)
def test_each_source_reports_partial_failures(source: EventSource) -> None:
    assert source.partial_responses


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.handler)
def test_one_that_gives_up_keeps_what_it_gave_up_on(source: EventSource) -> None:
    if source.kind != "sqs":  # a queue has its dead-letter queue
        assert source.maximum_retries >= 0
        assert source.failures


def test_a_fifo_queue_has_batches_of_at_most_ten_and_no_window() -> None:
    source = EVENT_SOURCES["ingest_sqs"]
    assert (source.batch_size, source.window_seconds) == (10, 0)


def test_detect_is_woken_only_by_what_is_complete() -> None:
    (pattern,) = EVENT_SOURCES["detect"].filters
    assert pattern["eventName"] == ["INSERT", "MODIFY"]
    assert pattern["dynamodb"] == {"NewImage": {"complete_from": {"S": [{"exists": True}]}}}


def test_records_of_a_symbol_stay_in_order() -> None:
    assert all(source.parallelization == 1 for source in SOURCES)


def test_what_ingest_has_gathered_is_not_gathered_again() -> None:
    assert EVENT_SOURCES["ingest_kinesis"].window_seconds == 1
    assert EVENT_SOURCES["detect"].window_seconds == 0
