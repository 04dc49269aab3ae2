"""What is set on event source mappings."""

from __future__ import annotations

import json

import pytest

from chalicelib.event_sources import EVENT_SOURCES, EventSource
from infra.deploy.mappings import wanted

FAILURES = "arn:aws:s3:::failures"


def test_queue_has_no_settings_of_streams() -> None:
    assert wanted(EVENT_SOURCES["ingest_sqs"], FAILURES) == {
        "FunctionResponseTypes": ["ReportBatchItemFailures"]
    }


@pytest.mark.parametrize("handler", ["ingest_kinesis", "detect"])
def test_stream_ends_at_some_time_and_keeps_what_it_gave_up_on(handler: str) -> None:
    settings = wanted(EVENT_SOURCES[handler], FAILURES)
    assert settings["MaximumRetryAttempts"] > 0
    assert settings["MaximumRecordAgeInSeconds"] > 0
    assert settings["DestinationConfig"] == {"OnFailure": {"Destination": FAILURES}}


def test_filter_is_the_tables_pattern_as_text() -> None:
    filters = wanted(EVENT_SOURCES["detect"], FAILURES)["FilterCriteria"]["Filters"]
    patterns = [json.loads(found["Pattern"]) for found in filters]
    assert patterns == list(EVENT_SOURCES["detect"].filters)


def test_source_without_destination_or_filter_names_neither() -> None:
    source = EventSource(handler="h", kind="kinesis", batch_size=1, failures=False)
    settings = wanted(source, FAILURES)
    assert "DestinationConfig" not in settings
    assert "FilterCriteria" not in settings
