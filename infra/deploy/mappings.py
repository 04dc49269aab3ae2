"""Sets the settings of event source mappings, and deletes obsolete mappings.

The settings are in `chalicelib/event_sources.py`, and later deployments keep them. `make deploy`
lets Chalice update no mapping, and a plain `chalice deploy` sends only batch size and window.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from chalicelib import settings
from chalicelib.event_sources import EVENT_SOURCES, EventSource
from infra.deploy.errors import DeployError
from infra.deploy.stage import Stage
from infra.deploy.waiting import CLOCK, CONSISTENT_SECONDS, Clock, until_well

SETTLING_SECONDS = 120.0
_SETTLED = ("Enabled", "Disabled")
_STREAMS = {
    "detect": "PRICES_STREAM_ARN",
    "deliver": "ALERTS_STREAM_ARN",
    "push": "STATE_STREAM_ARN",
}
"""The variable that holds the ARN of the table's stream for each handler that reads one."""


def wanted(source: EventSource, failures_bucket_arn: str) -> dict[str, Any]:
    """Return a mapping's settings as Lambda's API expects them. A FIFO queue has no window."""
    found: dict[str, Any] = {
        "BatchSize": source.batch_size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if source.partial_responses else [],
    }
    if source.kind == "sqs":
        if source.maximum_concurrency is not None:
            found["ScalingConfig"] = {"MaximumConcurrency": source.maximum_concurrency}
        return found
    found |= {
        "MaximumBatchingWindowInSeconds": source.window_seconds,
        "BisectBatchOnFunctionError": source.bisect,
        "MaximumRetryAttempts": source.maximum_retries,
        "MaximumRecordAgeInSeconds": source.maximum_record_age_seconds,
        "ParallelizationFactor": source.parallelization,
    }
    if source.failures:
        found["DestinationConfig"] = {"OnFailure": {"Destination": failures_bucket_arn}}
    if source.filters:
        patterns = [{"Pattern": json.dumps(pattern)} for pattern in source.filters]
        found["FilterCriteria"] = {"Filters": patterns}
    return found


def wanted_of(stage: Stage, handler: str) -> dict[str, Any]:
    """Return the settings of the mapping of a stage's handler."""
    sources = settings.configured(settings.load(stage.environment))
    return wanted(sources[handler], stage.failures_bucket_arn)


def prune(stage: Stage) -> list[str]:
    """Delete the mappings that would block Chalice, and return a line for each.

    Chalice never moves a mapping of a recreated table or stream. It would create the mappings of an
    interrupted deployment twice.
    """
    client = stage.client("lambda")
    recorded = {r["event_uuid"] for r in stage.deployed() if "event_uuid" in r}
    told = []
    for handler in _fed(stage):
        for mapping in _mappings_of(client, stage.functions[handler].name):
            is_ours = mapping["UUID"] in recorded
            if is_ours and mapping["EventSourceArn"] == _arn(stage, handler, mapping):
                continue
            client.delete_event_source_mapping(UUID=mapping["UUID"])
            _wait(client, mapping["UUID"], until_gone=True)
            why = "its source was recreated" if is_ours else "it belongs to no deployment"
            told.append(f"{handler}: removed the mapping of {mapping['EventSourceArn']}: {why}")
    return told


def apply(stage: Stage, clock: Clock = CLOCK) -> list[str]:
    """Update the mappings' settings that differ, and return a line for each handler.

    Raises DeployError unless each handler has exactly one mapping, which reads its current source.
    """
    client = stage.client("lambda")
    told = []
    until_well(lambda: _unsound(stage), CONSISTENT_SECONDS, clock)
    for handler, mapping in _single(stage).items():
        different = _different(stage, handler, mapping)
        if different:
            _wait(client, mapping["UUID"], clock=clock)
            client.update_event_source_mapping(UUID=mapping["UUID"], **different)
            _wait(client, mapping["UUID"], clock=clock)
        told.append(
            f"{handler}: {'set ' + ', '.join(sorted(different)) if different else 'unchanged'}"
        )
    return told


def check(stage: Stage, clock: Clock = CLOCK) -> None:
    """Raise DeployError if a mapping is missing, is duplicated, or has other settings."""
    until_well(lambda: _complaint(stage), CONSISTENT_SECONDS, clock)


def youngest_seconds(stage: Stage, now: datetime | None = None) -> float:
    """Return the seconds since any of the stage's mappings was changed. `now` is aware."""
    changed: list[datetime] = [one["LastModified"] for one in _single(stage).values()]
    return ((now or datetime.now(UTC)) - max(changed)).total_seconds()


def _complaint(stage: Stage) -> str:
    return _unsound(stage) or "; ".join(
        f"{handler}: the mapping differs in {', '.join(sorted(different))}"
        for handler, mapping in _single(stage).items()
        if (different := _different(stage, handler, mapping))
    )


def _unsound(stage: Stage) -> str:
    try:
        _single(stage)
    except DeployError as error:
        return str(error)
    return ""


def _fed(stage: Stage) -> list[str]:
    return [handler for handler in EVENT_SOURCES if handler in stage.functions]


def _mappings_of(client: Any, function: str) -> list[dict[str, Any]]:
    """Return all mappings of a function. Lambda lists none by the name of a deleted function."""
    pages = client.get_paginator("list_event_source_mappings").paginate()
    every = [mapping for page in pages for mapping in page["EventSourceMappings"]]
    return [mapping for mapping in every if mapping["FunctionArn"].split(":")[6] == function]


def _arn(stage: Stage, handler: str, mapping: dict[str, Any]) -> str:
    """Return the ARN that a mapping should read. A recreated stream or queue keeps its ARN."""
    if handler in _STREAMS:
        return stage.environment[_STREAMS[handler]]
    return str(mapping["EventSourceArn"])


def _single(stage: Stage) -> dict[str, dict[str, Any]]:
    client = stage.client("lambda")
    found = {}
    for handler in _fed(stage):
        mappings = _mappings_of(client, stage.functions[handler].name)
        if len(mappings) != 1:
            raise DeployError(f"{handler} has {len(mappings)} mappings; it should have one")
        if mappings[0]["EventSourceArn"] != _arn(stage, handler, mappings[0]):
            raise DeployError(f"{handler} reads {mappings[0]['EventSourceArn']}, not its source")
        found[handler] = mappings[0]
    return found


def _different(stage: Stage, handler: str, mapping: dict[str, Any]) -> dict[str, Any]:
    found = wanted_of(stage, handler)
    return {name: value for name, value in found.items() if mapping.get(name) != value}


def _wait(client: Any, uuid: str, *, until_gone: bool = False, clock: Clock = CLOCK) -> None:
    """Wait until AWS allows changes of a mapping, or has deleted it. Either takes seconds."""

    def complaint() -> str:
        try:
            state = client.get_event_source_mapping(UUID=uuid)["State"]
        except client.exceptions.ResourceNotFoundException:
            if until_gone:
                return ""
            raise
        is_settled = state in _SETTLED and not until_gone
        return "" if is_settled else f"mapping {uuid} is still {state}"

    until_well(complaint, SETTLING_SECONDS, clock)
