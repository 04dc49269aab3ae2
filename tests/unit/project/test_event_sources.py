from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.event_sources import ADJUSTABLE, EVENT_SOURCES, EventSource
from chalicelib.settings import Settings, SettingsError, configured, load
from embedded_aws.event_sources.filters import passes
from infra import resources
from local.mappings import make
from tests.deploy_support.stages import make_stage

SOURCES = list(EVENT_SOURCES.values())


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.handler)
def test_each_source_stays_within_lambdas_limits(source: EventSource) -> None:
    assert 1 <= source.batch_size <= 10_000
    assert 0 <= source.window_seconds <= 300
    assert source.maximum_retries == -1 or 0 <= source.maximum_retries <= 10_000
    assert 1 <= source.parallelization <= 10
    assert source.maximum_concurrency is None or 2 <= source.maximum_concurrency <= 1000
    assert source.kind != "sqs" or source.window_seconds >= 1 or source.batch_size <= 10


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.handler)
def test_each_source_reports_partial_failures(source: EventSource) -> None:
    assert source.partial_responses


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.handler)
def test_a_mapping_stores_dead_lettered_records(source: EventSource) -> None:
    if source.handler == "push":  # a late price is worth nothing
        assert (source.maximum_retries, source.failures) == (0, False)
    elif source.kind != "sqs":  # a queue has its dead-letter queue
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


def test_ingest_does_not_gather_records_twice() -> None:
    assert EVENT_SOURCES["ingest_kinesis"].window_seconds == 1
    assert EVENT_SOURCES["detect"].window_seconds == 0


def settings_with(**given: str) -> Settings:
    """A stage's settings with these variables."""
    return load(make_stage().environment | given)


@pytest.mark.parametrize("name", ADJUSTABLE)
def test_a_stage_sets_a_field_within_lambdas_limits(name: str) -> None:
    limits = ADJUSTABLE[name]
    for value in (limits.least, limits.most):
        sources = configured(settings_with(**{name.upper(): str(value)}))
        assert getattr(sources[limits.handler], limits.field) == value
        others = {handler: sources[handler] for handler in sources if handler != limits.handler}
        assert others.items() <= EVENT_SOURCES.items()


@pytest.mark.parametrize("name", ADJUSTABLE)
def test_a_value_beyond_the_limits_is_refused_by_its_variables_name(name: str) -> None:
    limits = ADJUSTABLE[name]
    for value in (limits.least - 1, limits.most + 1):
        said = f"{name.upper()} is {value}; allowed: {limits.least} to {limits.most:,}$"
        with pytest.raises(SettingsError, match=said):
            settings_with(**{name.upper(): str(value)})


def test_sources_are_as_the_table_says_where_a_stage_sets_nothing() -> None:
    assert configured(settings_with()) == EVENT_SOURCES


NOW = datetime(2026, 11, 20, tzinfo=UTC)
STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/prices/stream/2026"


class NoAws:
    """Clients that answer nothing."""

    meta = SimpleNamespace(
        region_name="us-east-1", events=SimpleNamespace(register=lambda *_: None)
    )

    def describe_stream_summary(self, **_: Any) -> dict[str, Any]:
        return {"StreamDescriptionSummary": {"StreamARN": STREAM, "StreamCreationTimestamp": NOW}}

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"QueueArn": "arn"}}


@pytest.mark.parametrize("way", ["TICKS_STREAM", "TICKS_QUEUE_URL"])
def test_local_pollers_follow_the_settings(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "INGEST_KINESIS_WINDOW_SECONDS": "3",
        "DETECT_PARALLELIZATION": "2",
        "INGEST_SQS_BATCH_SIZE": "5",
    }
    monkeypatch.setattr(bootstrap, "get_settings", lambda: settings_with(**given))
    environment = {
        way: "ticks",
        "FAILURES_BUCKET": "failures",
        "PRICES_STREAM_ARN": STREAM,
        "ALERTS_STREAM_ARN": STREAM,
        "DELIVERIES_QUEUE_URL": "deliveries",
    }
    handlers = ("detect", "deliver", "redeliver", "ingest_kinesis", "ingest_sqs")
    app: Any = SimpleNamespace(**dict.fromkeys(handlers))
    clients: Any = lambda _service: NoAws()  # noqa: E731
    mappings = make(app, environment, resources.load(), clients, None, None)  # type: ignore[arg-type]
    sources = {mapping.source.handler: mapping.source for mapping in mappings._all}
    assert sources["detect"].parallelization == 2
    if way == "TICKS_STREAM":
        assert sources["ingest_kinesis"].window_seconds == 3
    else:
        assert sources["ingest_sqs"].batch_size == 5


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("INSERT", {"complete_from": {"S": "2026"}}, True),
        ("MODIFY", {"complete_from": {"S": "2026"}}, True),
        ("REMOVE", {"complete_from": {"S": "2026"}}, False),
        ("INSERT", {"price": {"N": "1"}}, False),
    ],
)
def test_detect_sees_only_finished_writes(name: str, image: dict[str, Any], expected: bool) -> None:
    record = {"eventName": name, "dynamodb": {"NewImage": image}}
    assert passes(EVENT_SOURCES["detect"].filters, record) is expected
