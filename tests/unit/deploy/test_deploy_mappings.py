"""The settings of event source mappings."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from chalicelib.event_sources import EVENT_SOURCES, EventSource
from infra.deploy import mappings, smoke
from infra.deploy.chalice_command import Client, wanted_of
from infra.deploy.errors import DeployError
from infra.deploy.mappings import wanted
from infra.deploy.stage import Stage
from infra.deploy.waiting import Clock
from tests.deploy_support.lambda_mappings import MADE, LambdaMappings
from tests.deploy_support.stages import make_stage

FAILURES = "arn:aws:s3:::failures"


def test_queue_has_no_settings_of_streams() -> None:
    assert wanted(EVENT_SOURCES["ingest_sqs"], FAILURES) == {
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 4},
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


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:ticktape-dev-{}"


class Passing:
    """A clock that stands but for the pauses."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.clock = Clock(lambda: self.seconds, self._pause)

    def _pause(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def aws() -> LambdaMappings:
    return LambdaMappings()


@pytest.fixture
def stage(aws: LambdaMappings) -> Stage:
    """A stage with the two mappings that Chalice makes."""
    made = make_stage()
    made._clients["lambda"] = aws
    client = Client(wanted_of(made), SimpleNamespace(create_client=lambda *_, **__: aws))
    for handler, source in (("ingest_kinesis", "arn:stream"), ("detect", "arn:prices-stream")):
        client.create_lambda_event_source(
            source,
            ARN.format(handler),
            batch_size=1,
            starting_position="TRIM_HORIZON",
            maximum_batching_window_in_seconds=7,
        )
    return made


def test_mapping_is_made_with_all_its_settings_in_one_request(
    stage: Stage, aws: LambdaMappings
) -> None:
    for number, handler in enumerate(("ingest_kinesis", "detect")):
        made = aws.get_event_source_mapping(f"mapping-{number}")
        assert mappings.wanted_of(stage, handler).items() <= made.items()
        assert made["StartingPosition"] == "TRIM_HORIZON"
    assert mappings.apply(stage) == ["ingest_kinesis: unchanged", "detect: unchanged"]
    assert aws.updates == []


def test_chalice_updates_no_mapping_that_stands(stage: Stage, aws: LambdaMappings) -> None:
    client = Client(wanted_of(stage), SimpleNamespace(create_client=lambda *_, **__: aws))
    client.update_lambda_event_source("mapping-0", batch_size=1, maximum_concurrency=None)
    assert aws.updates == []


def test_only_differing_settings_are_set(stage: Stage, aws: LambdaMappings) -> None:
    aws.update_event_source_mapping("mapping-1", BatchSize=3)
    assert mappings.apply(stage) == ["ingest_kinesis: unchanged", "detect: set BatchSize"]
    assert aws.updates[1:] == [{"BatchSize": EVENT_SOURCES["detect"].batch_size}]


def test_mapping_has_what_the_stages_settings_say(stage: Stage, aws: LambdaMappings) -> None:
    environment = stage.environment | {"DETECT_WINDOW_SECONDS": "10", "INGEST_SQS_CONCURRENCY": "8"}
    changed = make_stage(environment=environment)
    changed._clients["lambda"] = aws
    assert mappings.wanted_of(changed, "ingest_sqs")["ScalingConfig"] == {"MaximumConcurrency": 8}
    told = mappings.apply(changed)
    assert told == ["ingest_kinesis: unchanged", "detect: set MaximumBatchingWindowInSeconds"]
    assert aws.updates == [{"MaximumBatchingWindowInSeconds": 10}]


def test_check_waits_until_lambda_shows_what_was_set(stage: Stage, aws: LambdaMappings) -> None:
    aws.late, passing = 5, Passing()
    mappings.check(stage, passing.clock)
    assert passing.seconds == 5


def test_check_ends_with_what_still_differs(stage: Stage, aws: LambdaMappings) -> None:
    aws.update_event_source_mapping("mapping-0", BisectBatchOnFunctionError=False)
    with pytest.raises(DeployError, match=r"ingest_kinesis: .* BisectBatchOnFunctionError .*60 s"):
        mappings.check(stage, Passing().clock)


def test_smoke_test_waits_longer_while_a_mapping_is_new(stage: Stage) -> None:
    assert smoke.patience(stage, MADE + timedelta(minutes=9)) == 600
    assert smoke.patience(stage, MADE + timedelta(minutes=11)) == 120


def test_smoke_test_says_what_did_not_happen_when_its_time_is_up() -> None:
    passing = Passing()
    with pytest.raises(DeployError, match=r"ingest has stored no price; .* \(waited 600 s\)"):
        smoke._await("ingest has stored no price", lambda: False, 600, passing.clock)
    assert passing.seconds == 600
